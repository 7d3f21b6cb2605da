package session

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

// odd is a key whose two base64 alphabets differ.
var odd = bytes.Repeat([]byte{0xfb, 0xff}, KeySize/2)

func TestContract1_KeyEnvLists(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]int{
		keyA:                                   1,
		strings.TrimSuffix(keyA, "="):          1,
		base64.URLEncoding.EncodeToString(odd): 1,
		base64.RawURLEncoding.EncodeToString(odd):   1,
		base64.StdEncoding.EncodeToString(odd):      1,
		base64.RawStdEncoding.EncodeToString(odd):   1,
		keyA + "," + keyB:                           2,
		keyA + " " + keyB:                           2,
		"\n" + keyA + "\r\n" + keyB + "\n":          2, // a file, one on each line
		keyA + " ,\t" + keyB + ",":                  2,
		keyA + "," + keyB + "," + key32('c') + ",,": 3,
	} {
		keys, err := ParseKeys(list)
		if err != nil || len(keys.all) != want {
			t.Errorf("%q: %v", list, err)
		}
	}
}

func TestContract1_NoKeys(t *testing.T) {
	t.Parallel()
	full := base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{'a'}, KeySize))
	for name, list := range map[string]string{
		"nothing":            "",
		"separators":         " ,\r\n\t",
		"padding":            "=",
		"the same twice":     keyA + "," + keyA,
		"the same, not next": keyA + "," + keyB + "," + keyA,
		"the same, unpadded": keyA + "," + full,
		"the same, in the other alphabet": base64.StdEncoding.EncodeToString(odd) + "," +
			base64.RawURLEncoding.EncodeToString(odd),
		"31 bytes":           base64.StdEncoding.EncodeToString(make([]byte, 31)),
		"33 bytes":           base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"16 bytes":           base64.StdEncoding.EncodeToString(make([]byte, 16)),
		"64 bytes":           base64.StdEncoding.EncodeToString(make([]byte, 64)),
		"hexadecimal":        hex.EncodeToString(make([]byte, 32)),
		"a password":         "correct horse battery staple",
		"32 letters":         strings.Repeat("a", 32),
		"both alphabets":     strings.Repeat("-+", 21) + "A",
		"padded twice":       keyA + "=",
		"padding within":     full[:20] + "=" + full[20:],
		"trailing bits":      full[:42] + "B",
		"a quote":            `"` + keyA + `"`,
		"a JSON list":        `["` + keyA + `"]`,
		"a semicolon":        keyA + ";" + keyB,
		"a good and a bad":   keyA + ",x",
		"a vertical tab":     keyA + "\v" + keyB,
		"a no-break space":   keyA + "\u00a0" + keyB,
		"NUL behind":         keyA + "\x00",
		"not UTF-8":          keyA + "\xff",
		"a line break in it": full[:20] + "\n" + full[20:],
	} {
		keys, err := ParseKeys(list)
		if err != ErrKeys || keys != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// T24: the id tells a key from another, and nothing about it.
func TestT24_KeyIDs(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte{'a'}, KeySize)
	id := keyID(secret)
	if id == keyID(bytes.Repeat([]byte{'b'}, KeySize)) || bytes.Contains(secret, id[:]) {
		t.Errorf("%x", id)
	}
	if id != keyID(secret) {
		t.Error("two ids of one key")
	}
	// It is fixed for all versions: cookies are to open after an update.
	if got := hex.EncodeToString(id[:]); got != "69b6b707" {
		t.Error(got)
	}
}

// FuzzParseKeys shows that every text gives keys that seal and open, or ErrKeys.
func FuzzParseKeys(f *testing.F) {
	for _, seed := range []string{"", keyA, keyA + "," + keyB, keyA + "\r\n" + keyA, strings.TrimSuffix(keyA, "="), base64.StdEncoding.EncodeToString(odd), "=,=", keyA + "=="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		keys, err := ParseKeys(list)
		if err != nil {
			if err != ErrKeys || keys != nil {
				t.Fatalf("%v, %v", keys, err)
			}
			return
		}
		if fields := strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }); len(fields) != len(keys.all) {
			t.Fatalf("%d keys of %d", len(keys.all), len(fields))
		}
		s := Session{"token", now}
		for i := range keys.all {
			opens(t, keys, (&Keys{all: keys.all[i:]}).Seal(s, nil, nonce(t)), "", s)
		}
	})
}
