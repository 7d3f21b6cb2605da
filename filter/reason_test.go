package filter

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/dpop"
	"holdfast/jwt"
)

// What contract §3 says of each reason.
func TestContract3_EveryReasonHasItsAnswer(t *testing.T) {
	t.Parallel()
	type answer struct {
		status, grpc int
		code         string
		challenge    bool
	}
	table := map[answer][]Reason{
		{200, 0, "", false}:                                 {TokenAccepted, Anonymous, Preflight, Metadata},
		{401, 16, "", true}:                                 {NoToken},
		{400, 3, "invalid_request", true}:                   {MultipleTokens, MalformedCredentials, AmbiguousPath, AmbiguousHost, AmbiguousMethod, HeaderNotAllowed, TooManyHeaders, TokenTooLarge},
		{403, 7, "insufficient_scope", true}:                {ScopeInsufficient, ClaimNotAllowed, IssuerNotAllowed, AudienceNotAllowed},
		{403, 7, "access_denied", true}:                     {NoRuleMatched},
		{401, 16, "insufficient_user_authentication", true}: {ACRNotMet, AuthenticationTooOld},
		{503, 14, "temporarily_unavailable", false}:         {KeysUnavailable, IntrospectionUnavailable, TooManyWaiting, InternalError, DPoPReplayFull, DPoPReplayFailed},
		{401, 16, "use_dpop_nonce", true}:                   {DPoPNonceRequired},
		{401, 16, "invalid_dpop_proof", true}: {
			DPoPProofMissing, DPoPProofMultiple, DPoPProofMalformed, DPoPTypeNotAllowed, DPoPAlgorithmNotAllowed, DPoPKeyInvalid,
			DPoPSignatureInvalid, DPoPMethodMismatch, DPoPURIMismatch, DPoPProofTooOld, DPoPProofInFuture, DPoPTokenMismatch, DPoPReplayed,
		},
		{421, 3, "misdirected_request", false}: {MisdirectedRequest},
		{401, 16, "invalid_token", true}: {
			TokenNotJWT, TokenMalformed, TokenEncrypted, CriticalHeader, AlgorithmNotAllowed, TokenTypeNotAllowed,
			IssuerUnknown, AudienceMismatch, Expired, NotYetValid, IssuedInFuture, LifetimeTooLong, ClaimMissing,
			ClaimMalformed, KeyUnknown, KeyAmbiguous, SignatureInvalid, TokenInactive, TokenContradicted,
			CnfMissing, CnfMalformed, CnfUnsupported, CertificateMissing, CertificateMalformed, CertificateUnreadable,
			CertificateNotValidated, CnfMismatch, JKTMissing, DPoPSchemeRequired, JKTMismatch,
		},
	}
	var listed []Reason
	for want, reasons := range table {
		listed = append(listed, reasons...)
		for _, reason := range reasons {
			c := reason.class()
			if got := (answer{c.status, c.grpcStatus, c.code, c.challenge}); got != want {
				t.Errorf("%s: %v, want %v", reason, got, want)
			}
			if reason.Refuses() != (want.status != 200) {
				t.Errorf("%s: Refuses() is %v", reason, reason.Refuses())
			}
		}
	}
	slices.Sort(listed)
	if !slices.Equal(listed, Reasons()) {
		t.Errorf("the table lists %v, the code %v", listed, Reasons())
	}
}

// The reasons stand in the order of the steps, so a step is a range of them.
func TestContract2_ReasonsBelongToSteps(t *testing.T) {
	t.Parallel()
	step := 0
	for _, reason := range Reasons() {
		if !reason.Refuses() {
			continue
		}
		if reason.Step() < step || reason.Step() > step+1 {
			t.Errorf("%s is of step %d, after step %d", reason, reason.Step(), step)
		}
		step = reason.Step()
	}
	for reason, want := range map[Reason]int{
		TokenAccepted: 4, Anonymous: 1, Preflight: 0, Metadata: 0, InternalError: 0, NoToken: 1, TokenNotJWT: 2, TooManyWaiting: 2,
		CnfMissing: 3, DPoPReplayFailed: 3, ScopeInsufficient: 4, AuthenticationTooOld: 4, reasonCount: 0, 255: 0,
	} {
		if reason.Step() != want {
			t.Errorf("%s is of step %d, want %d", reason, reason.Step(), want)
		}
	}
	if Reason(255).Description() != "" || CnfMismatch.Description() == "" {
		t.Error("descriptions")
	}
}

// The words are names of metrics and parts of header values.
func TestContract6_ReasonsAreAClosedListOfWords(t *testing.T) {
	t.Parallel()
	const letters = "abcdefghijklmnopqrstuvwxyz_"
	seen := map[string]Reason{}
	for _, reason := range Reasons() {
		word, description := reason.String(), reasons[reason].description
		if word == "" || strings.Trim(word, letters) != "" {
			t.Errorf("%d: word %q", reason, word)
		}
		if other, twice := seen[word]; twice {
			t.Errorf("%q is the word of %d and of %d", word, other, reason)
		}
		seen[word] = reason
		// RFC 6750 §3.1: without a token there is no error to describe.
		if (description != "") != (reason.Refuses() && reason != NoToken) {
			t.Errorf("%s: description %q", reason, description)
		}
		for _, c := range []byte(description) {
			if c < ' ' || c > '~' || c == '"' || c == '\\' {
				t.Errorf("%s: %q can't be quoted", reason, description)
			}
		}
	}
	for _, outside := range []Reason{reasonCount, waitForMore, 255} {
		if outside.String() != "unknown" || !outside.Refuses() || outside.class() != &unavailable {
			t.Errorf("%d is outside of the list and no internal error", outside)
		}
	}
}

// No error of package jwt ends as an internal error for want of a row.
func TestEveryTokenErrorHasAReason(t *testing.T) {
	t.Parallel()
	// These are about keys, which no token brings.
	checkErrorsAreMapped(t, "../jwt/*.go", "validate.go", 15, "ErrKeySet", "ErrNoUsableKey", "ErrKey")
}

// Nor does one of package dpop.
func TestEveryProofErrorHasAReason(t *testing.T) {
	t.Parallel()
	checkErrorsAreMapped(t, "../dpop/*.go", "dpop.go", 11, "ErrNonceKeys")
}

func checkErrorsAreMapped(t *testing.T, pattern, file string, least int, exempt ...string) {
	t.Helper()
	exported := map[string]bool{}
	files, _ := filepath.Glob(pattern)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		ast.Inspect(syntax(t, name), func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for _, name := range spec.Names {
					if strings.HasPrefix(name.Name, "Err") && !slices.Contains(exempt, name.Name) {
						exported[name.Name] = true
					}
				}
			}
			return true
		})
	}
	mapped := map[string]bool{}
	ast.Inspect(syntax(t, file), func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Err") {
			mapped[s.Sel.Name] = true
		}
		return true
	})
	if len(exported) < least || !maps.Equal(exported, mapped) {
		t.Errorf("exported are %v\nthe filter knows %v", slices.Sorted(maps.Keys(exported)), slices.Sorted(maps.Keys(mapped)))
	}
}

func syntax(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDPoPReasonOf(t *testing.T) {
	t.Parallel()
	for _, row := range dpopReasons {
		want := &invalidProof
		if row.err == dpop.ErrNonce {
			want = &nonceNeeded
		}
		if got := dpopReasonOf(fmt.Errorf("detail: %w", row.err)); got != row.reason || got.class() != want {
			t.Errorf("%v: %s, want %s", row.err, got, row.reason)
		}
	}
	if got := dpopReasonOf(errors.New("unheard of")); got != InternalError {
		t.Errorf("%s", got)
	}
}

func TestReasonOf(t *testing.T) {
	t.Parallel()
	for _, row := range errorReasons {
		if got := reasonOf(fmt.Errorf("detail: %w", row.err)); got != row.reason || got.class() != &invalidToken {
			t.Errorf("%v: %s, want %s", row.err, got, row.reason)
		}
	}
	for _, err := range []error{errors.New("unheard of"), jwt.ErrKeySet, jwt.ErrNoUsableKey} {
		if got := reasonOf(err); got != InternalError {
			t.Errorf("%v: %s", err, got)
		}
	}
}
