package dpop

import (
	"testing"
	"time"

	"holdfast/jwt"
)

// The example proofs of RFC 9449, all by one key.
const (
	rfc9449Header = `eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik
		VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR
		nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE
		QSIsImNydiI6IlAtMjU2In19.`
	rfc9449Figure2 = rfc9449Header + `eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj
		oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia
		WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg
		4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`
	rfc9449Figure7 = rfc9449Header + `eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj
		oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia
		WF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5Qs
		GSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA`
	rfc9449Figure13 = rfc9449Header + `eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj
		oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z
		WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF
		c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E
		OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
	// The "jkt" of figures 9 and 11.
	rfc9449Thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

// TestRFC9449_Examples reads and verifies the proofs of figures 2 (and 5), 7 and 13.
func TestRFC9449_Examples(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		compact, id, method string
		uri                 URI
		issuedAt            int64
	}{
		"figure 2":  {rfc9449Figure2, "-BwC3ESc6acc2lTc", "POST", URI{"https://server.example.com", "/token"}, 1562262616},
		"figure 7":  {rfc9449Figure7, "-BwC3ESc6acc2lTc", "POST", URI{"https://server.example.com", "/token"}, 1562265296},
		"figure 13": {rfc9449Figure13, "e1j3V_bKic8-LAEB", "GET", URI{"https://resource.example.org", "/protectedresource"}, 1562262618},
	} {
		t.Run(name, func(t *testing.T) {
			p := mustParse(t, unwrapped(test.compact))
			if p.ID() != test.id || p.method != test.method || p.URI() != test.uri || p.IssuedAt().Unix() != test.issuedAt {
				t.Errorf("%+v", p)
			}
			if p.Algorithm() != jwt.ES256 || p.Thumbprint().String() != rfc9449Thumbprint {
				t.Errorf("%v, %v", p.Algorithm(), p.Thumbprint())
			}
			if err := p.Verify([]jwt.Algorithm{jwt.ES256}, (*jwt.Key).Verify); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRFC9449_7_1_ProtectedResourceRequest is the whole of figure 13: request, access
// token and proof.
func TestRFC9449_7_1_ProtectedResourceRequest(t *testing.T) {
	t.Parallel()
	e := Expected{
		Method: "GET", Origins: []string{"https://resource.example.org"}, Path: "/protectedresource",
		Token: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU",
		Now:   time.Unix(1562262620, 0), Lifetime: time.Minute,
	}
	is(t, verdict(unwrapped(rfc9449Figure13), e), nil)
	e.Token = "Q..Zkm29lexi8VnWg2zPW1x-tgGad0Ibc3s3EwM_Ni4-g" // figure 6
	is(t, verdict(unwrapped(rfc9449Figure13), e), ErrToken)
	// Proofs for the token endpoint have no ath.
	e.Method, e.Origins, e.Path = "POST", []string{"https://server.example.com"}, "/token"
	is(t, verdict(unwrapped(rfc9449Figure2), e), ErrToken)
}
