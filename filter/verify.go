package filter

import (
	"errors"
	"slices"
	"strings"
	"time"

	"holdfast/filter/config"
	"holdfast/jwt"
)

// verifier checks every signature: of tokens, of proofs, of signed answers. It has
// the host do it, many times faster, where the host has shown at start that it can.
type verifier struct {
	host    Host
	metrics *metrics
	byHost  []jwt.Algorithm
	tables  *tables // for the sandbox
	// hostOnly: what the host could not be asked is refused, not verified here.
	hostOnly bool
	warn     func(line string)
}

// newVerifier asks the host about known answers. It is an error when the host has to
// be used and is of no use.
func newVerifier(host Host, m *metrics, c *config.Config, t *tables, warn func(line string)) (*verifier, error) {
	v := &verifier{host: host, metrics: m, tables: t, hostOnly: c.Verification == config.VerifyByHost, warn: warn}
	if c.Verification == config.VerifyInSandbox {
		return v, nil
	}
	keys, err := jwt.ParseKeySet(probeKeys)
	if err != nil {
		return nil, err
	}
	allowed := c.Algorithms()
	for _, known := range probeTokens {
		if !slices.Contains(allowed, known.algorithm) {
			continue
		}
		switch err := probe(host, keys, known.token); {
		case err == nil:
			v.byHost = append(v.byHost, known.algorithm)
		case v.hostOnly:
			return nil, errors.New(known.algorithm.String() + ": " + err.Error())
		case errors.Is(err, errWrongAnswer):
			warn("holdfast: the host is not used for " + known.algorithm.String() + ": " + err.Error())
		}
	}
	if v.hostOnly && len(v.byHost) == 0 {
		return nil, errors.New("no algorithm is allowed that a host verifies")
	}
	return v, nil
}

var (
	errWrongAnswer = errors.New("it takes a bad signature for a good one, or a good one for a bad one")
	errNoQuestion  = errors.New("the known answer can't be asked about") // a test asserts that it does not happen
)

// probe asks about a good token, and about two that are the same but for one bit: of
// the signature, and of what was signed. The error is the host's, for want of an
// answer, or errWrongAnswer.
func probe(host Host, keys *jwt.KeySet, compact string) error {
	token, err := jwt.Parse(compact)
	if err != nil {
		return err
	}
	key, err := keys.Find(token.Header())
	if err != nil {
		return err
	}
	good, ok := question(key, token)
	if !ok {
		return errNoQuestion
	}
	otherSignature, otherInput := good, good
	otherSignature.Signature = otherLastBit(good.Signature)
	otherInput.Input = otherLastBit(good.Input)
	for _, known := range []struct {
		question jwt.X509Signature
		valid    bool
	}{{good, true}, {otherSignature, false}, {otherInput, false}} {
		valid, err := host.VerifySignature(known.question)
		if err != nil {
			return err
		}
		if valid != known.valid {
			return errWrongAnswer
		}
	}
	return nil
}

func otherLastBit(s string) string { return s[:len(s)-1] + string([]byte{s[len(s)-1] ^ 1}) }

// question is what the host would be asked; ok is false for what no host knows
// (P-521, PSS, EdDSA), and for what can be refused without asking.
func question(key *jwt.Key, token *jwt.Token) (jwt.X509Signature, bool) {
	return key.X509(token.Header().Algorithm, token.SigningInput(), token.Signature())
}

// verify checks a signature and records what it costs. An error other than
// [jwt.ErrSignature] says that nobody could tell.
func (v *verifier) verify(key *jwt.Key, token *jwt.Token) error {
	start := v.host.Now()
	err := v.check(key, token)
	if spent := v.host.Now().Sub(start); spent >= 0 {
		v.host.Record(v.metrics.verifyUS, uint64(spent/time.Microsecond))
	}
	return err
}

// check has one answer: the host's, or the sandbox's. A host that says no is believed,
// like one that says yes: a second opinion would cost whoever sends good tokens
// nothing, and us a verification in the sandbox for each bad one.
func (v *verifier) check(key *jwt.Key, token *jwt.Token) error {
	if slices.Contains(v.byHost, token.Header().Algorithm) {
		if q, ok := question(key, token); ok {
			valid, err := v.host.VerifySignature(q)
			switch {
			case err != nil:
				v.warn("holdfast: the host did not verify a signature: " + err.Error())
				if v.hostOnly {
					return err
				}
			case valid:
				v.host.Add(v.metrics.verification.host, 1)
				return nil
			default:
				v.host.Add(v.metrics.verification.host, 1)
				return jwt.ErrSignature
			}
		}
	}
	v.host.Add(v.metrics.verification.sandbox, 1)
	return key.VerifyWith(token, v.tables.of(key))
}

// hostVerifies reports whether the host is asked about signatures of this algorithm.
func (v *verifier) hostVerifies(a jwt.Algorithm) bool { return slices.Contains(v.byHost, a) }

// String is what the line at start says: who verifies, and which algorithms if that
// is the host.
func (v *verifier) String() string {
	if len(v.byHost) == 0 {
		return "sandbox"
	}
	names := make([]string, len(v.byHost))
	for i, a := range v.byHost {
		names[i] = a.String()
	}
	return "host:" + strings.Join(names, ",")
}
