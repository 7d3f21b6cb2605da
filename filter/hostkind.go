package filter

import (
	"net/netip"
	"time"

	"holdfast/filter/config"
	"holdfast/thumbprint"
)

// hostKind is how one kind of host differs from the others. Whatever this package has
// to know about that stands here; docs/hosts.md says where each line comes from.
type hostKind struct {
	// Properties of the connection.
	leaf       []string                                        // the client's certificate
	parseLeaf  func([]byte) (t thumbprint.Thumbprint, e error) // reads it
	validated  []string                                        // whether the host validated it
	isValid    string                                          // the one value that says so
	serverName []string                                        // the name in the TLS handshake
	fields     [3][]string                                     // parts of the certificate, by config.CertificateField; nil: unknown
	peer       func(connection) (netip.Addr, bool)             // the other end of the TCP connection

	// complete corrects what the header list does not tell as the client sent it; nil
	// where it does.
	complete func(*request, connection) Reason
	// maxHeaders is how long a header list is at most; one of that length may have
	// been cut off. 0: lists are never cut off.
	maxHeaders int
	// keepsHeaders: a header can't be taken away, and of several with one name only the
	// first be replaced.
	keepsHeaders bool

	properties bool // it takes properties for access logs
	details    bool // it takes response code details
	grpc       bool // it answers a gRPC client as such
	stopsAll   bool // it has a word for holding back all that comes behind the headers
	verifies   bool // it can be asked to verify a signature

	// ownCalls: nothing wakes a request but the answer to a call of its own. It goes on
	// when that has come, so it has to be decided then.
	ownCalls bool
	// tick is the one period that it takes, once, at the start; 0: any, at any time.
	tick time.Duration
}

var hostKinds = [...]hostKind{
	config.HostEnvoy: {
		// The digest that Envoy computed of the leaf's DER, in 64 lower-case hex digits
		// (source/extensions/filters/common/expr/context.cc). It says whether it
		// validated the chain since 1.39.
		leaf:       []string{"connection", "sha256_peer_certificate_digest"},
		parseLeaf:  thumbprint.ParseHex[[]byte],
		validated:  []string{"connection", "peer_certificate_valid"},
		isValid:    "\x01",
		serverName: []string{"connection", "requested_server_name"},
		fields: [...][]string{
			config.FieldSubject: {"connection", "subject_peer_certificate"},
			config.FieldURISAN:  {"connection", "uri_san_peer_certificate"},
			config.FieldDNSSAN:  {"connection", "dns_san_peer_certificate"},
		},
		peer:       envoyPeer,
		properties: true,
		details:    true,
		grpc:       true,
		stopsAll:   true,
		verifies:   true,
	},
	config.HostKong: {
		// NGINX variables. To ask for the digest writes an alert into its log each time.
		leaf:       []string{"ngx", "ssl_client_raw_cert"},
		parseLeaf:  thumbprint.OfPEM,
		validated:  []string{"ngx", "ssl_client_verify"},
		isValid:    "SUCCESS",
		serverName: []string{"ngx", "ssl_server_name"},
		fields:     [...][]string{config.FieldSubject: {"ngx", "ssl_client_s_dn"}, config.FieldURISAN: nil, config.FieldDNSSAN: nil},
		peer:       kongPeer,

		complete:     kongHead,
		maxHeaders:   100, // NGX_HTTP_WASM_MAX_REQ_HEADERS
		keepsHeaders: true,
		ownCalls:     true,
		tick:         100 * time.Millisecond,
	},
}

// thumbprint is that of the certificate of the TLS connection that the host ended.
func (k *hostKind) thumbprint(conn connection) (thumbprint.Thumbprint, Reason) {
	leaf, found, err := conn.Property(k.leaf...)
	switch {
	case err != nil:
		return thumbprint.Thumbprint{}, CertificateUnreadable
	case !found || len(leaf) == 0:
		return thumbprint.Thumbprint{}, CertificateMissing
	}
	t, err := k.parseLeaf(leaf)
	if err != nil {
		return thumbprint.Thumbprint{}, CertificateMalformed
	}
	return t, TokenAccepted
}

// validatedPeer reports whether the host positively says that it validated the
// client's certificate.
func (k *hostKind) validatedPeer(conn connection) bool {
	value, found, err := conn.Property(k.validated...)
	return err == nil && found && string(value) == k.isValid
}

// kongHead: on ngx_wasm_module :authority is the name in the server's configuration,
// and :path is what NGINX made of the path, decoded and merged. What the client sent
// is in Host, by which Kong chooses the route, and in a variable.
func kongHead(r *request, conn connection) Reason {
	switch host, fields := r.field("host"); fields {
	case 0: // HTTP/1.0
	case 1:
		r.authority = host
	default:
		return AmbiguousHost
	}
	path, found, err := conn.Property("ngx", "request_uri")
	if err != nil {
		return InternalError
	}
	if found {
		r.path = string(path)
	}
	return TokenAccepted
}
