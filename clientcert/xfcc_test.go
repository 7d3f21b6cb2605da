package clientcert

import (
	"strings"
	"testing"
)

func TestXFCC(t *testing.T) {
	t.Parallel()
	a, b := newCert(t), newCert(t)
	const by = "By=spiffe://x/edge;"
	const subject = `Subject="CN=a\\, \"b\"\,c;d=e,f,O=Ex\C3\A9"`
	full := by + "Hash=" + a.hash + `;Cert="` + a.urlPEM + `";Chain="` + a.urlPEM + b.urlPEM + `";` + subject + ";URI=spiffe://x/a;URI=spiffe://x/b;DNS=a;DNS=b"
	tests := []struct {
		name, in string
		element  int
		want     *testCert
	}{
		{"Hash", "Hash=" + a.hash, -1, &a},
		{"upper-case Hash", "Hash=" + strings.ToUpper(a.hash), -1, &a},
		{"quoted Hash", `Hash="` + a.hash + `"`, -1, &a},
		{"Cert", `Cert="` + a.urlPEM + `"`, -1, &a},
		{"Cert without quotes", "Cert=" + strings.ReplaceAll(a.urlPEM, "=", "%3D"), -1, &a},
		{"all that Envoy writes", full, -1, &a},
		{"pairs in another order", subject + ";Hash=" + a.hash + ";" + strings.TrimSuffix(by, ";"), -1, &a},
		{"two By", by + by + "Hash=" + a.hash, -1, &a},
		{"empty URI and Subject", `Hash=` + a.hash + `;Subject="";URI=`, -1, &a},
		{"unknown key", "Hash=" + a.hash + ";Later=1", -1, &a},
		{"blanks around the field", " \tHash=" + a.hash + " ", -1, &a},

		{"last of two", "Hash=" + b.hash + ",Hash=" + a.hash, -1, &a},
		{"last of two, list with blanks", "Hash=" + b.hash + " \t, \tHash=" + a.hash, -1, &a},
		{"blank after a quoted value", `Hash=` + b.hash + `;Subject="x" , Hash=` + a.hash, -1, &a},
		{"first of two", "Hash=" + a.hash + ",Hash=" + b.hash, 0, &a},
		{"last but one", "Hash=" + b.hash + ",Hash=" + a.hash + ",Hash=" + b.hash, -2, &a},
		{"second", "Hash=" + b.hash + ",Hash=" + a.hash + ",Hash=" + b.hash, 1, &a},
		{"the whole behind another", "Hash=" + b.hash + "," + full, -1, &a},
		{"no certificate in another element", "By=x,Hash=" + a.hash, -1, &a},

		{"Hash of a comma and a semicolon in quotes", `Subject=",;Hash=` + b.hash + `,";Hash=` + a.hash, -1, &a},
		{"escaped quote does not end the value", `Subject="\",Hash=` + b.hash + `;x=\"";Hash=` + a.hash, -1, &a},
		{"escaped backslash does not escape the quote", `Subject="\\";Hash=` + a.hash, -1, &a},

		{"empty", "", -1, nil},
		{"blank", "  ", -1, nil},
		{"element out of range", "Hash=" + a.hash, -2, nil},
		{"element out of range, from the front", "Hash=" + a.hash, 1, nil},
		{"neither Hash nor Cert", by + `Subject="x"`, -1, nil},
		{"nothing in the wanted element", "Hash=" + a.hash + ",By=x", -1, nil},
		{"two Hash", "Hash=" + a.hash + ";Hash=" + a.hash, -1, nil},
		{"two Cert", `Cert="` + a.urlPEM + `";Cert="` + a.urlPEM + `"`, -1, nil},
		{"two Hash in another element", "Hash=" + b.hash + ";Hash=" + b.hash + ",Hash=" + a.hash, -1, nil},
		{"Hash in another case", "hash=" + a.hash, -1, nil},
		{"Hash in two cases", "Hash=" + a.hash + ";HASH=" + a.hash, -1, nil},
		{"Cert in another case", "Hash=" + a.hash + `;cert="` + a.urlPEM + `"`, -1, nil},
		{"Hash and Cert differ", "Hash=" + a.hash + `;Cert="` + b.urlPEM + `"`, -1, nil},
		{"good Hash, bad Cert", "Hash=" + a.hash + `;Cert="x"`, -1, nil},
		{"good Hash, empty Cert", "Hash=" + a.hash + `;Cert=""`, -1, nil},
		{"bad Hash, good Cert", "Hash=00;" + `Cert="` + a.urlPEM + `"`, -1, nil},
		{"empty Hash, good Cert", `Hash=;Cert="` + a.urlPEM + `"`, -1, nil},
		{"Hash of 63 digits", "Hash=" + a.hash[:63], -1, nil},
		{"Hash in base64url", "Hash=" + a.thumbprint.String(), -1, nil},
		{"Hash of SHA-1", "Hash=" + a.hash[:40], -1, nil},
		{"Cert with a chain", `Cert="` + a.urlPEM + b.urlPEM + `"`, -1, nil},
		{"Cert with a bad escape", `Cert="` + a.urlPEM + `%G0"`, -1, nil},
		{"Cert without quotes, with blanks before the comma", "Cert=x \t,Hash=" + a.hash, 0, nil},

		{"no equals sign", "Hash", -1, nil},
		{"empty key", "=x;Hash=" + a.hash, -1, nil},
		{"blank in a key", "Hash =" + a.hash, -1, nil},
		{"blank after a semicolon", "By=x; Hash=" + a.hash, -1, nil},
		{"blank before a semicolon, quoted", `By="x" ;Hash=` + a.hash, -1, nil},
		{"digit in a key", "B1=x;Hash=" + a.hash, -1, nil},
		{"trailing semicolon", "Hash=" + a.hash + ";", -1, nil},
		{"trailing comma", "Hash=" + a.hash + ",", -1, nil},
		{"leading comma", ",Hash=" + a.hash, -1, nil},
		{"empty element", "Hash=" + b.hash + ",,Hash=" + a.hash, -1, nil},
		{"open quote", `Hash=` + a.hash + `;Subject="x`, -1, nil},
		{"open quote after a backslash", `Hash=` + a.hash + `;Subject="x\`, -1, nil},
		{"text after a closing quote", `Subject="x"y;Hash=` + a.hash, -1, nil},
		{"quote within a plain value", `By=x"y;Hash=` + a.hash, -1, nil},
		{"control character", "By=a\nb;Hash=" + a.hash, -1, nil},
		{"control character in quotes", "By=\"a\x00b\";Hash=" + a.hash, -1, nil},
		{"escaped control character", "By=\"a\\\nb\";Hash=" + a.hash, -1, nil},
		{"DEL", "By=a\x7fb;Hash=" + a.hash, -1, nil},
		{"too long", "Hash=" + a.hash + ";URI=" + strings.Repeat("a", maxInput), -1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := XFCC(tt.in, tt.element)
			check(t, got, err, tt.want, ErrXFCC)
		})
	}
}

// T13: what a client sends is in front of what the trusted proxy appends. No
// prefix with an open quote may swallow the proxy's element or move its bounds.
func TestT13XFCCPrefixCannotMoveTheLastElement(t *testing.T) {
	t.Parallel()
	own, victim := newCert(t), newCert(t)
	appended := `By=spiffe://x/edge;Hash=` + own.hash + `;Subject="CN=attacker";URI=spiffe://x/a`
	for _, prefix := range []string{
		"", "Hash=" + victim.hash, `Subject="`, `Subject="\`, `Subject="\\`, "Hash=" + victim.hash + `;Subject="`,
		"Hash=" + victim.hash + `;`, `x`, `"`, `\`, "Hash=" + victim.hash + `;By=`, "Hash=" + victim.hash + `;By="x",`,
	} {
		got, err := XFCC(prefix+","+appended, -1)
		if err == nil && !got.Equal(own.thumbprint) {
			t.Errorf("prefix %q: got %v, want the attacker's own or an error", prefix, got)
		}
	}
}

func TestXFCCErrorsHoldNoInput(t *testing.T) {
	t.Parallel()
	a, b := newCert(t), newCert(t)
	for _, in := range []string{"Hash=" + a.hash[:60], `Hash=` + a.hash + `;Cert="` + b.urlPEM + `"`, a.hash} {
		_, err := XFCC(in, -1)
		if err == nil || strings.Contains(err.Error(), a.hash[:8]) {
			t.Errorf("error text: %v", err)
		}
	}
}

func FuzzXFCC(f *testing.F) {
	cert := newCert(f)
	for _, seed := range []string{
		"Hash=" + cert.hash,
		`By=x;Hash=` + cert.hash + `;Cert="` + cert.urlPEM + `";Subject="CN=a\,b";URI=;DNS=a;DNS=b`,
		`Hash=` + cert.hash + `, Hash=` + cert.hash, `Subject="`, `Subject="\`, `a="b"c`, ",", ";", "=", `a="",b= ,c=`,
	} {
		f.Add(seed, -1)
		f.Add(seed, 0)
	}
	f.Fuzz(func(t *testing.T, in string, element int) {
		got, err := XFCC(in, element)
		if err != nil {
			return
		}
		// Whatever is appended whole is the last element, and the one before keeps
		// its value: elements have unambiguous bounds.
		if len(in)+len(cert.hash)+6 > maxInput {
			return
		}
		longer := in + ",Hash=" + cert.hash
		if last, err := XFCC(longer, -1); err != nil || !last.Equal(cert.thumbprint) {
			t.Errorf("%q: the appended element is not the last: %v", in, err)
		}
		if element < 0 {
			element--
		}
		if again, err := XFCC(longer, element); err != nil || !again.Equal(got) {
			t.Errorf("%q: element %d changed: %v", in, element, err)
		}
	})
}
