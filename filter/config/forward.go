package config

import "slices"

// read takes "forward".
func (w *Forward) read(o *object) {
	if o.get("token").notYet("bearer", "introspection_jwt").choice("keep", "strip") == "strip" {
		w.Token = ForwardStrip
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
