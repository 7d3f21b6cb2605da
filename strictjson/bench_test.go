package strictjson

import "testing"

func BenchmarkParse(b *testing.B) {
	const claims = `{"iss":"https://as.example.com","sub":"3b1c9a52-7a0c-4f0b-a3a3-0c2b1ad5e2fd","aud":["https://api.example.com"],` +
		`"exp":1767225600,"nbf":1767222000,"iat":1767222000,"jti":"b0f1c7f8a2d94c6e","client_id":"client-1","scope":"payments:read payments:write",` +
		`"cnf":{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"},"realm_access":{"roles":["a","b","c"]}}`
	b.ReportAllocs()
	b.SetBytes(int64(len(claims)))
	for b.Loop() {
		if _, err := Parse(claims); err != nil {
			b.Fatal(err)
		}
	}
}
