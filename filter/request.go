package filter

// request is one request's head, read from the host once.
type request struct {
	method, authority, path string
	fields                  []Header    // everything but the pseudo-headers
	known                   *knownToken // its JWT, once the signature was verified
	proof                   onceRead    // its DPoP proof, once it was asked for
	caller                  certificate // the one that its token is held against
}

// readRequest sorts the host's header list. It refuses a list in which a
// pseudo-header stands twice: there is no telling which one the host acts on.
func readRequest(headers []Header) (r request, ok bool) {
	// Pseudo-headers come first (RFC 9113 §8.3), so the rest can be kept in place.
	first := 0
	for first < len(headers) && isPseudo(headers[first].Name) {
		first++
	}
	r.fields = headers[first:]
	for _, h := range r.fields {
		if isPseudo(h.Name) {
			return request{}, false
		}
	}
	for i, h := range headers[:first] {
		for _, earlier := range headers[:i] {
			if earlier.Name == h.Name {
				return request{}, false
			}
		}
		switch h.Name {
		case ":method":
			r.method = h.Value
		case ":authority":
			r.authority = h.Value
		case ":path":
			r.path = h.Value
		}
	}
	return r, r.method != ""
}

func isPseudo(name string) bool { return name != "" && name[0] == ':' }

// field returns the first value of a header field and how many there are.
// name is in lower case.
func (r *request) field(name string) (value string, count int) {
	for i := range r.fields {
		if sameName(r.fields[i].Name, name) {
			if count == 0 {
				value = r.fields[i].Value
			}
			count++
		}
	}
	return value, count
}

// spellings counts the fields that an upstream could take for this one, in whatever
// spelling of its name.
func (r *request) spellings(name string) int {
	count := 0
	for i := range r.fields {
		if readsAs(r.fields[i].Name, name) {
			count++
		}
	}
	return count
}

// twins counts the fields that an upstream could take for this one, other
// spellings of its name.
func (r *request) twins(name string) int {
	_, fields := r.field(name)
	return r.spellings(name) - fields
}

// sameName compares a header name as the client may have spelled it (NGINX
// keeps the case on HTTP/1.1) with one in lower case.
func sameName(sent, lower string) bool {
	if len(sent) != len(lower) {
		return false
	}
	for i := 0; i < len(sent); i++ {
		if toLower(sent[i]) != lower[i] {
			return false
		}
	}
	return true
}

// readsAs reports whether an upstream could take the sent name for the other:
// CGI, WSGI and others fold "_" and "-" together (CVE-2025-64484).
func readsAs(sent, lower string) bool {
	if len(sent) != len(lower) {
		return false
	}
	for i := 0; i < len(sent); i++ {
		a, b := toLower(sent[i]), lower[i]
		if a == '_' {
			a = '-'
		}
		if b == '_' {
			b = '-'
		}
		if a != b {
			return false
		}
	}
	return true
}

func toLower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
