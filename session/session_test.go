package session

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	keyA = key32('a')
	keyB = key32('b')
	now  = time.Unix(1700000000, 0)
)

// key32 is a key of 32 equal bytes in base64.
func key32(b byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, KeySize)) }

func mustParse(t testing.TB, list string) *Keys {
	t.Helper()
	keys, err := ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func nonce(t testing.TB) (n [NonceSize]byte) {
	t.Helper()
	if _, err := rand.Read(n[:]); err != nil {
		t.Fatal(err)
	}
	return n
}

// opens checks that a value opens, and to what.
func opens(t *testing.T, k *Keys, value, settings string, want Session) {
	t.Helper()
	got, err := k.Open(value, []byte(settings))
	if err != nil || got.Token != want.Token || !got.Ends.Equal(want.Ends) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// stays checks that a value does not open.
func stays(t *testing.T, k *Keys, value, settings, why string) {
	t.Helper()
	if got, err := k.Open(value, []byte(settings)); err != ErrSession || got != (Session{}) {
		t.Errorf("%s: %+v, %v", why, got, err)
	}
}

func TestContract4_SealAndOpen(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA)
	for _, token := range []string{"t", "eyJhbGciOiJFUzI1NiJ9.e30.AA", strings.Repeat("x", 3000), "\x00\xff\r\n;\""} {
		s := Session{Token: token, Ends: now}
		value := k.Seal(s, []byte("settings"), nonce(t))
		opens(t, k, value, "settings", s)
		if strings.Contains(value, token) && len(token) > 1 {
			t.Errorf("%s shows the token", value)
		}
		if strings.Trim(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%s is no cookie value", value)
		}
	}
}

// The layout: version, key id, nonce, ciphertext and tag. A later version must be
// able to tell cookies of this one.
func TestContract4_Layout(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA)
	n := nonce(t)
	value := k.Seal(Session{"token", now}, nil, n)
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(sealed) != 1+4+12+8+len("token")+16 || sealed[0] != 1 || !bytes.Equal(sealed[5:17], n[:]) {
		t.Fatalf("%x, %v", sealed, err)
	}
	// Two seals of the same differ in nothing but the nonce and what follows.
	other, _ := base64.RawURLEncoding.DecodeString(k.Seal(Session{"token", now}, nil, nonce(t)))
	if !bytes.Equal(sealed[:5], other[:5]) || bytes.Equal(sealed[17:], other[17:]) {
		t.Errorf("%x\n%x", sealed, other)
	}
}

func TestContract4_EveryBitCounts(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA+","+keyB)
	value := k.Seal(Session{"an access token", now}, []byte("settings"), nonce(t))
	sealed, _ := base64.RawURLEncoding.DecodeString(value)
	for bit := range len(sealed) * 8 {
		flipped := bytes.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		stays(t, k, base64.RawURLEncoding.EncodeToString(flipped), "settings", fmt.Sprint("bit ", bit))
	}
	for bit := range len(value) * 8 {
		flipped := []byte(value)
		flipped[bit/8] ^= 1 << (bit % 8)
		stays(t, k, string(flipped), "settings", fmt.Sprint("bit of the text ", bit))
	}
	for n := range len(value) {
		stays(t, k, value[:n], "settings", fmt.Sprint("cut to ", n))
		stays(t, k, value[n+1:], "settings", fmt.Sprint("without the first ", n+1))
	}
	for n := range len(sealed) {
		stays(t, k, base64.RawURLEncoding.EncodeToString(sealed[:n]), "settings", fmt.Sprint("sealed cut to ", n))
	}
	opens(t, k, value, "settings", Session{"an access token", now})
}

// T20: a session has one spelling.
func TestT20_OneSpelling(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA)
	// Tokens of three lengths give values that end in each way that base64 can end.
	for _, token := range []string{"aaa", "aaaa", "aaaaa"} {
		value := k.Seal(Session{token, now}, nil, nonce(t))
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		for _, c := range alphabet {
			if last := value[:len(value)-1] + string(c); last != value {
				stays(t, k, last, "", "other trailing bits")
			}
		}
		for _, junk := range []string{"=", "==", "\r", "\n", "\r\n", " ", "\t", "A", "\x00", "\"", ";", "%3D", "é"} {
			stays(t, k, value+junk, "", fmt.Sprintf("%q behind", junk))
			stays(t, k, junk+value, "", fmt.Sprintf("%q before", junk))
			stays(t, k, value[:7]+junk+value[7:], "", fmt.Sprintf("%q within", junk))
		}
	}
	all := bytes.Repeat([]byte{0xfb, 0xff}, 40) // decodes from "-" and "_" alone
	stays(t, k, base64.RawStdEncoding.EncodeToString(all), "", "the other alphabet")
}

func TestContract4_OtherKeysAndSettings(t *testing.T) {
	t.Parallel()
	a, b := mustParse(t, keyA), mustParse(t, keyB)
	value := a.Seal(Session{"token", now}, []byte("settings"), nonce(t))
	stays(t, b, value, "settings", "another key")
	for _, settings := range []string{"", "setting", "settingsx", "Settings", "\x01settings"} {
		stays(t, a, value, settings, "settings "+settings)
	}
	// Nor does an id make a key: b's cookies under a's id.
	sealed, _ := base64.RawURLEncoding.DecodeString(b.Seal(Session{"token", now}, []byte("settings"), nonce(t)))
	copy(sealed[1:5], a.all[0].id[:])
	stays(t, a, base64.RawURLEncoding.EncodeToString(sealed), "settings", "a's id over b's seal")
	stays(t, b, base64.RawURLEncoding.EncodeToString(sealed), "settings", "a's id over b's seal, with b's key")
	// What is sealed without settings does not turn settings into content.
	stays(t, a, a.Seal(Session{"token", now}, nil, nonce(t)), "settings", "no settings")
}

func TestContract4_Rotation(t *testing.T) {
	t.Parallel()
	before, during, after := mustParse(t, keyA), mustParse(t, keyB+" "+keyA), mustParse(t, keyB)
	s := Session{"token", now}
	old, renewed := before.Seal(s, nil, nonce(t)), during.Seal(s, nil, nonce(t))
	opens(t, during, old, "", s)
	opens(t, during, renewed, "", s)
	opens(t, after, renewed, "", s)
	stays(t, after, old, "", "the key is gone")
	stays(t, before, renewed, "", "the first one seals")
}

// Two keys may have the same id: 2^32 of them are not many.
func TestContract4_KeysWithTheSameID(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA+","+keyB)
	k.all[1].id = k.all[0].id
	second := &Keys{all: k.all[1:]}
	s := Session{"token", now}
	opens(t, k, second.Seal(s, nil, nonce(t)), "", s)
	opens(t, k, k.Seal(s, nil, nonce(t)), "", s)
}

func TestContract4_Bounds(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA)
	longest := strings.Repeat("x", MaxValue/4*3-1-4-12-8-16)
	value := k.Seal(Session{longest, now}, nil, nonce(t))
	if len(value) != MaxValue {
		t.Fatalf("%d bytes", len(value))
	}
	opens(t, k, value, "", Session{longest, now})
	stays(t, k, k.Seal(Session{longest + "x", now}, nil, nonce(t)), "", "too long")
	stays(t, k, value+"A", "", "4097")
	stays(t, k, strings.Repeat("A", 1<<20), "", "a megabyte")
	stays(t, k, "", "", "empty")
	stays(t, k, k.Seal(Session{"", now}, nil, nonce(t)), "", "no token")

	for _, ends := range []int64{0, 1, 253402300799} {
		opens(t, k, k.Seal(Session{"t", time.Unix(ends, 0)}, nil, nonce(t)), "", Session{"t", time.Unix(ends, 0)})
	}
	for _, ends := range []int64{-1, 253402300800, 1 << 62} {
		stays(t, k, k.Seal(Session{"t", time.Unix(ends, 0)}, nil, nonce(t)), "", fmt.Sprint("ends at ", ends))
	}
	// Fractions are cut off: a session never lasts longer than it was to.
	opens(t, k, k.Seal(Session{"t", time.Unix(5, 999999999)}, nil, nonce(t)), "", Session{"t", time.Unix(5, 0)})
}

// Whoever has the key can seal anything; it still has to make sense.
func TestContract4_SealedNonsense(t *testing.T) {
	t.Parallel()
	k := mustParse(t, keyA)
	future := append([]byte{2}, k.all[0].id[:]...)
	n := nonce(t)
	plain := append(binary.BigEndian.AppendUint64(nil, 1), 't')
	stays(t, k, base64.RawURLEncoding.EncodeToString(k.all[0].aead.Seal(append(bytes.Clone(future), n[:]...), n[:], plain, future)), "", "another version")
	for name, plain := range map[string][]byte{
		"nothing": nil, "no token": make([]byte, 8), "half a date": make([]byte, 7),
		"a date that overflows": append(binary.BigEndian.AppendUint64(nil, 1<<63), 't'),
	} {
		n := nonce(t)
		head := append([]byte{1}, k.all[0].id[:]...)
		sealed := k.all[0].aead.Seal(append(bytes.Clone(head), n[:]...), n[:], plain, head)
		stays(t, k, base64.RawURLEncoding.EncodeToString(sealed), "", name)
	}
}

// FuzzOpen shows that nothing makes Open panic, that nobody can write a cookie, and
// that what opens has one spelling.
func FuzzOpen(f *testing.F) {
	k := mustParse(f, key32('k')+","+keyB)
	var n [NonceSize]byte
	good := k.Seal(Session{"token", now}, []byte("s"), n)
	for _, seed := range []string{"", good, good + "=", good[:len(good)-1], good + "\n", strings.Repeat("A", 60), "AQ", mustParse(f, keyB).Seal(Session{"t", now}, []byte("s"), n)} {
		f.Add(seed, []byte("s"))
		f.Add(seed, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, value string, settings []byte) {
		got, err := k.Open(value, settings)
		if err != nil {
			if err != ErrSession || got != (Session{}) {
				t.Fatalf("%+v, %v", got, err)
			}
			return
		}
		sealed, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil || string(settings) != "s" {
			t.Fatalf("%q opened with %q", value, settings)
		}
		copy(n[:], sealed[5:])
		for i := range k.all {
			if (&Keys{all: k.all[i:]}).Seal(got, settings, n) == value {
				return
			}
		}
		t.Fatalf("%q is another spelling of %+v", value, got)
	})
}
