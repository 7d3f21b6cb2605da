package strictjson

import "errors"

// ErrInvalid is what every error of [Parse] wraps. The text after it names the
// rule that was broken and never quotes the document.
var ErrInvalid = errors.New("invalid JSON")

// The rules, one error each. They are built once, so that refusing costs no
// memory.
var (
	errSize      = &ruleError{"too long"}
	errUTF8      = &ruleError{"not valid UTF-8"}
	errSurrogate = &ruleError{"unpaired surrogate escape"}
	errDepth     = &ruleError{"nested too deeply"}
	errSyntax    = &ruleError{"not one JSON value"}
	errDuplicate = &ruleError{"duplicate member name"}
)

type ruleError struct{ text string }

func (e *ruleError) Error() string { return ErrInvalid.Error() + ": " + e.text }
func (e *ruleError) Unwrap() error { return ErrInvalid }
