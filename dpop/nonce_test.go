package dpop

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"holdfast/internal/keylist"
)

var keyA, keyB = key32('a'), key32('b')

func key32(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, keylist.Size))
}

func mustParseKeys(t testing.TB, list string) *NonceKeys {
	t.Helper()
	keys, err := ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

const (
	nonceLifetime = 5 * time.Minute
	nonceSkew     = 10 * time.Second
)

func TestContract1_NonceKeyLists(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{keyA: 1, keyA + "," + keyB: 2, keyB + "\n" + keyA + "\n": 2} {
		if keys, err := ParseKeys(list); err != nil || len(keys.all) != want {
			t.Errorf("%q: %v", list, err)
		}
	}
	for _, list := range []string{"", ",", "secret", keyA + "," + keyA, keyA[:40], keyA + ",x"} {
		if keys, err := ParseKeys(list); err != ErrNonceKeys || keys != nil {
			t.Errorf("%q: %v", list, err)
		}
	}
}

// TestRFC9449_8_1_NonceSyntax: only NQCHAR, of one length.
func TestRFC9449_8_1_NonceSyntax(t *testing.T) {
	t.Parallel()
	keys := mustParseKeys(t, keyA)
	for i := range 1000 {
		nonce := keys.Issue(testNow.Add(time.Duration(i) * time.Second))
		if len(nonce) != 32 {
			t.Fatalf("%s has %d characters", nonce, len(nonce))
		}
		for j := range len(nonce) {
			// RFC 6749 appendix A: %x21 / %x23-5B / %x5D-7E
			if c := nonce[j]; c < 0x21 || c > 0x7E || c == '"' || c == '\\' {
				t.Fatalf("%q", nonce)
			}
		}
	}
}

func TestRFC9449_8_NonceWindow(t *testing.T) {
	t.Parallel()
	keys := mustParseKeys(t, keyA)
	nonce := keys.Issue(testNow)
	for age, want := range map[time.Duration]bool{
		0: true, nonceLifetime: true, nonceLifetime + nonceSkew: true, -nonceSkew: true,
		nonceLifetime + nonceSkew + 1: false, -nonceSkew - 1: false, 24 * time.Hour: false, -24 * time.Hour: false,
	} {
		if got := keys.Valid(nonce, testNow.Add(age), nonceLifetime, nonceSkew); got != want {
			t.Errorf("after %v: %v", age, got)
		}
	}
}

// TestRFC9449_9_ReplicasAcceptEachOthersNonces: nothing but the keys is shared.
func TestRFC9449_9_ReplicasAcceptEachOthersNonces(t *testing.T) {
	t.Parallel()
	one, two := mustParseKeys(t, keyA), mustParseKeys(t, keyA)
	if nonce := one.Issue(testNow); nonce != two.Issue(testNow) || !two.Valid(nonce, testNow, nonceLifetime, nonceSkew) {
		t.Error("not accepted")
	}
	if mustParseKeys(t, keyB).Valid(one.Issue(testNow), testNow, nonceLifetime, nonceSkew) {
		t.Error("accepted with another key")
	}
}

// TestRFC9449_8_2_Renew: new ones are given out before the old one ends.
func TestRFC9449_8_2_Renew(t *testing.T) {
	t.Parallel()
	old, rotated := mustParseKeys(t, keyA), mustParseKeys(t, keyB+","+keyA)
	nonce := old.Issue(testNow)
	if old.Renew(nonce, testNow.Add(nonceLifetime/2), nonceLifetime) {
		t.Error("too early")
	}
	if !old.Renew(nonce, testNow.Add(nonceLifetime/2+1), nonceLifetime) {
		t.Error("not after half of the lifetime")
	}
	if !rotated.Valid(nonce, testNow, nonceLifetime, nonceSkew) || !rotated.Renew(nonce, testNow, nonceLifetime) {
		t.Error("a nonce from the old key is good, and to be replaced")
	}
	fresh := rotated.Issue(testNow)
	if rotated.Renew(fresh, testNow, nonceLifetime) || old.Valid(fresh, testNow, nonceLifetime, nonceSkew) {
		t.Error("the new key makes the nonces")
	}
	if !old.Renew("unknown", testNow, nonceLifetime) {
		t.Error("who has no nonce needs one")
	}
}

// TestRFC9449_8_NoncesAreUnpredictable: no bit can be changed, and no time be put in the
// place of another.
func TestRFC9449_8_NoncesAreUnpredictable(t *testing.T) {
	t.Parallel()
	keys := mustParseKeys(t, keyA)
	nonce := keys.Issue(testNow)
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil {
		t.Fatal(err)
	}
	if got := int64(binary.BigEndian.Uint64(raw)); got != testNow.Unix() {
		t.Errorf("made at %d", got)
	}
	for i := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[i/8] ^= 1 << (i % 8)
		if keys.Valid(encodeURL(changed), testNow, 1<<62, 1<<61) {
			t.Errorf("bit %d can be changed", i)
		}
	}
	for name, other := range map[string]string{
		"empty": "", "cut": nonce[:31], "longer": nonce + "A", "padded": nonce + "=", "twice": nonce + nonce, "in base64": strings.Repeat("+", 32),
		"a line break": nonce[:31] + "\n", "not ASCII": strings.Repeat("é", 16), "zeros": encodeURL(make([]byte, 24)),
	} {
		if keys.Valid(other, testNow, 1<<62, 1<<61) {
			t.Error(name)
		}
	}
	// It is fixed for all versions: replicas are not updated at the same moment.
	if nonce != "AAAAAGtJ0gBMgwzzVdQWyXP_t-6BNbCD" {
		t.Error(nonce)
	}
}

// FuzzNonce: no text but a nonce of these keys is one, and none makes a panic.
func FuzzNonce(f *testing.F) {
	keys := mustParseKeys(f, keyA+","+keyB)
	good := keys.Issue(testNow)
	for _, seed := range []string{"", good, good[:31], good + "A", encodeURL(bytes.Repeat([]byte{0xff}, 24)), mustParseKeys(f, keyB).Issue(testNow)} {
		f.Add(seed, int64(0))
	}
	f.Fuzz(func(t *testing.T, nonce string, seconds int64) {
		now := testNow.Add(time.Duration(seconds))
		if !keys.Valid(nonce, now, nonceLifetime, nonceSkew) {
			_ = keys.Renew(nonce, now, nonceLifetime)
			return
		}
		made, first, _ := keys.open(nonce)
		maker := keys
		if !first {
			maker = mustParseKeys(t, keyB)
		}
		if maker.Issue(made) != nonce {
			t.Fatalf("%q is another spelling of %q", nonce, maker.Issue(made))
		}
	})
}
