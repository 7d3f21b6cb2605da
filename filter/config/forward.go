package config

import "slices"

// read takes "forward".
func (w *Forward) read(o *object, issuers []Issuer) {
	names := []string{ForwardKeep: "keep", ForwardStrip: "strip", ForwardBearer: "bearer", ForwardIntrospectionJWT: "introspection_jwt"}
	token := o.get("token")
	w.Token = ForwardToken(slices.Index(names, token.choice(names...)))
	if w.Token == ForwardIntrospectionJWT && !allSigned(issuers) {
		token.fail("needs an issuer with introspection, and of each one accept \"" + signedAnswer + "\"")
	}
	o.get("claims").each(func(element field) {
		element.object(func(o *object) {
			w.Claims = append(w.Claims, ForwardClaim{
				Claim:  o.get("claim").required().text("", printable),
				Header: o.get("header").required().header(),
			})
		})
	})
	w.PayloadHeader = o.get("payload_header").header()
	w.ThumbprintHeader = o.get("thumbprint_header").header()
	o.get("certificate").each(func(element field) {
		element.object(func(o *object) {
			w.Certificate = append(w.Certificate, ForwardCertificate{
				Field:  readCertificateField(o.get("field").required()),
				Header: o.get("header").required().header(),
			})
		})
	})
}

func readCertificateField(f field) CertificateField {
	names := []string{FieldSubject: "subject", FieldURISAN: "uri_san", FieldDNSSAN: "dns_san"}
	return CertificateField(slices.Index(names, f.choice(names...)))
}

// allSigned: where an answer is not signed there is no JWT to hand on.
func allSigned(issuers []Issuer) bool {
	asked := 0
	for i := range issuers {
		if issuers[i].Introspection == nil {
			continue
		}
		if asked++; !issuers[i].Introspection.Signed {
			return false
		}
	}
	return asked > 0
}
