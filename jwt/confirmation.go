package jwt

import (
	"holdfast/strictjson"
	"holdfast/thumbprint"
)

// Confirmation is the "cnf" claim (RFC 7800 §3.1): to which keys a token is bound.
type Confirmation struct {
	Present bool                   // there is a "cnf", be it empty
	X5T     *thumbprint.Thumbprint // "x5t#S256", RFC 8705 §3.1; nil when absent
	JKT     *thumbprint.Thumbprint // "jkt", RFC 9449 §6.1; nil when absent
	Others  bool                   // there are members that are not understood
}

var (
	errConfirmationType = &detail{ErrConfirmation, "cnf is not an object"}
	errX5T              = &detail{ErrConfirmation, "x5t#S256 is not 43 base64url characters"}
	errJKT              = &detail{ErrConfirmation, "jkt is not 43 base64url characters"}
)

// Confirmation returns the "cnf" claim, as [ParseConfirmation] reads it.
func (c Claims) Confirmation() (Confirmation, error) {
	return ParseConfirmation(c.object.Get("cnf"))
}

// ParseConfirmation reads the value of a "cnf" member. A missing value is a
// Confirmation that is not Present. A value that is no object, or has an
// "x5t#S256" or "jkt" that is no SHA-256 thumbprint of 43 base64url characters,
// is an error that wraps [ErrConfirmation]: it is a binding that cannot be kept,
// never the absence of one.
func ParseConfirmation(cnf strictjson.Value) (Confirmation, error) {
	if cnf.Kind() == strictjson.Missing {
		return Confirmation{}, nil
	}
	if cnf.Kind() != strictjson.Object {
		return Confirmation{}, errConfirmationType
	}
	c := Confirmation{Present: true}
	for name, value := range cnf.All() {
		switch name {
		case "x5t#S256":
			if c.X5T = parseThumbprint(value); c.X5T == nil {
				return Confirmation{}, errX5T
			}
		case "jkt":
			if c.JKT = parseThumbprint(value); c.JKT == nil {
				return Confirmation{}, errJKT
			}
		default:
			c.Others = true
		}
	}
	return c, nil
}

// parseThumbprint returns nil for anything but a thumbprint.
func parseThumbprint(v strictjson.Value) *thumbprint.Thumbprint {
	text, ok := v.Text()
	if !ok {
		return nil
	}
	print, err := thumbprint.ParseX5T(text)
	if err != nil {
		return nil
	}
	return &print
}
