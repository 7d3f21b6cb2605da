package jwt

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/strictjson"
)

func mustClaims(t testing.TB, object string) Claims {
	t.Helper()
	v, err := strictjson.Parse(object)
	if err != nil {
		t.Fatal(err)
	}
	return NewClaims(v)
}

func TestClaimsLookup(t *testing.T) {
	c := mustClaims(t, `{"scope":"a","realm_access":{"roles":["x"],"deep":{"er":1}},"a.b":"whole","a":{"b":"parts","":2},
		"https://example.com/roles":["y"],"n":null,".":3,"*":4}`)
	for path, want := range map[string]string{
		"scope":                     `"a"`,
		"realm_access.roles":        `["x"]`,
		"realm_access.deep.er":      `1`,
		"realm_access":              `{"roles":["x"],"deep":{"er":1}}`,
		"a.b":                       `"whole"`,
		"a.":                        `2`,
		"https://example.com/roles": `["y"]`,
		"n":                         `null`,
		".":                         `3`,
		"*":                         `4`,
		"n.x":                       "",
		"scope.x":                   "",
		"realm_access.roles.0":      "",
		"realm_access.none":         "",
		"realm_access..roles":       "",
		"Realm_access.roles":        "",
		"none.roles":                "",
		"":                          "",
		"..":                        "",
	} {
		if got := c.Lookup(path).Raw(); got != want {
			t.Errorf("Lookup(%q) = %s, want %s", path, got, want)
		}
	}
	if got := c.Get("realm_access.roles").Kind(); got != strictjson.Missing {
		t.Errorf("Get follows paths: %v", got)
	}
	if got := c.Object().Kind(); got != strictjson.Object {
		t.Errorf("Object is %v", got)
	}
}

func TestZeroClaims(t *testing.T) {
	var c Claims
	if _, err := c.Issuer(); !errors.Is(err, ErrMissingClaim) {
		t.Errorf("Issuer: %v", err)
	}
	if _, present, err := c.Time("exp"); present || err != nil {
		t.Errorf("Time: %v, %v", present, err)
	}
	if cnf, err := c.Confirmation(); cnf.Present || err != nil {
		t.Errorf("Confirmation: %v, %v", cnf, err)
	}
	if c.Lookup("a.b").Kind() != strictjson.Missing {
		t.Error("Lookup found something")
	}
	if err := testPolicy().CheckClaims(c, testNow); !errors.Is(err, ErrMissingClaim) {
		t.Errorf("CheckClaims: %v", err)
	}
}

func TestAudiences(t *testing.T) {
	for _, test := range []struct {
		aud  string
		want []string
		err  error
	}{
		{`"a"`, []string{"a"}, nil},
		{`["a"]`, []string{"a"}, nil},
		{`["a","b","a"]`, []string{"a", "b", "a"}, nil},
		{`"a b"`, []string{"a b"}, nil},
		{`[]`, []string{}, nil},
		{`""`, []string{""}, nil},
		{``, nil, ErrMissingClaim},
		{`null`, nil, ErrClaim},
		{`1`, nil, ErrClaim},
		{`true`, nil, ErrClaim},
		{`{}`, nil, ErrClaim},
		{`{"a":"a"}`, nil, ErrClaim},
		{`["a",1]`, nil, ErrClaim},
		{`["a",null]`, nil, ErrClaim},
		{`[["a"]]`, nil, ErrClaim},
	} {
		t.Run(test.aud, func(t *testing.T) {
			got, err := mustClaims(t, with(t, "{}", "aud", test.aud)).Audiences()
			if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestT10_NumericDate shows which values are dates at all, and what they are.
func TestT10_NumericDate(t *testing.T) {
	end := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, test := range []struct {
		value string
		want  time.Time // zero: refused
	}{
		{`1800000000`, testNow},
		{`1.8e9`, testNow},
		{`1800000000.5`, testNow.Add(time.Second / 2)},
		{`1800000000.0`, testNow},
		{`0`, time.Unix(0, 0)},
		{`-0`, time.Unix(0, 0)},
		{`0.25`, time.Unix(0, 250_000_000)},
		{`253402300799`, end},
		{`253402300800`, end},
		{`9223372036854775807`, end}, // 2^63 - 1
		{`-1`, time.Time{}},
		{`-0.001`, time.Time{}},
		{`-1e-3`, time.Time{}},
		{`2.001e206`, time.Time{}},
		{`1e400`, time.Time{}},
		{`18446744075509551616`, time.Time{}}, // 2^64 + testNow
		{`9223372036854780000`, time.Time{}},  // the first float64 after 2^63 and a bit
		{`"1800000000"`, time.Time{}},
		{`""`, time.Time{}},
		{`null`, time.Time{}},
		{`true`, time.Time{}},
		{`false`, time.Time{}},
		{`[]`, time.Time{}},
		{`[1800000000]`, time.Time{}},
		{`{}`, time.Time{}},
	} {
		t.Run(test.value, func(t *testing.T) {
			got, present, err := mustClaims(t, `{"exp":`+test.value+`}`).Time("exp")
			if !present {
				t.Fatal("not present")
			}
			if test.want.IsZero() {
				if !errors.Is(err, ErrClaim) {
					t.Errorf("%v, %v", got, err)
				}
			} else if err != nil || !got.Equal(test.want) {
				t.Errorf("%v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func TestConfirmation(t *testing.T) {
	const print = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	for _, test := range []struct {
		cnf                       string
		present, x5t, jkt, others bool
	}{
		{``, false, false, false, false},
		{`{}`, true, false, false, false},
		{`{"x5t#S256":"` + print + `"}`, true, true, false, false},
		{`{"jkt":"` + print + `"}`, true, false, true, false},
		{`{"jkt":"` + print + `","x5t#S256":"` + print + `"}`, true, true, true, false},
		{`{"kid":"a","x5t#S256":"` + print + `","jwk":{}}`, true, true, false, true},
		{`{"x5t":"short"}`, true, false, false, true},
		{`{"X5T#S256":"` + print + `"}`, true, false, false, true},
		{`{"x5t#s256":"` + print + `"}`, true, false, false, true},
	} {
		t.Run(test.cnf, func(t *testing.T) {
			c, err := mustClaims(t, with(t, goodClaims, "cnf", test.cnf)).Confirmation()
			if err != nil || c.Present != test.present || (c.X5T != nil) != test.x5t || (c.JKT != nil) != test.jkt || c.Others != test.others {
				t.Errorf("%+v, %v", c, err)
			}
			if c.X5T != nil && c.X5T.String()[:42] != print[:42] {
				t.Errorf("thumbprint %s", c.X5T)
			}
		})
	}
}

// TestT12_ConfirmationTypes shows that a binding which cannot be read is an error,
// never no binding.
func TestT12_ConfirmationTypes(t *testing.T) {
	const print = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	bad := []string{`null`, `""`, `"` + print + `"`, `[]`, `["` + print + `"]`, `1`, `true`, `false`}
	values := []string{
		`null`, `""`, `1`, `true`, `[]`, `{}`, `["` + print + `"]`, `{"x":"` + print + `"}`,
		`"` + print[:42] + `"`,   // truncated
		`"` + print + `A"`,       // too long
		`"` + print + `="`,       // padded
		`" ` + print[:42] + `"`,  // white space
		`"` + print[:42] + `\n"`, // line break
		`"` + print[:21] + `\r` + print[22:] + `"`,
		`"` + strings.Replace(print, "_", "/", 1) + `"`, // standard alphabet
		`"` + strings.Replace(print, "-", "+", 1) + `"`,
		`"6f070ad1eb1cdc0082dc307663 9fe5112b1713ca3d96d734e4ef3d8dd37e760d"`,
		`"6f070ad1eb1cdc0082dc3076639fe5112b1713ca3d96d734e4ef3d8dd37e760d"`, // hexadecimal
	}
	for _, value := range values {
		bad = append(bad, `{"x5t#S256":`+value+`}`, `{"jkt":`+value+`}`,
			`{"x5t#S256":"`+print+`","jkt":`+value+`}`, `{"jkt":"`+print+`","x5t#S256":`+value+`}`)
	}
	for _, cnf := range bad {
		c, err := mustClaims(t, with(t, goodClaims, "cnf", cnf)).Confirmation()
		if !errors.Is(err, ErrConfirmation) || c != (Confirmation{}) {
			t.Errorf("%s: %+v, %v", cnf, c, err)
		}
	}
}
