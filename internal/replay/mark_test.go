package replay

import (
	"testing"

	"holdfast/thumbprint"
)

var (
	seed = [32]byte{7}
	keyA = thumbprint.Thumbprint{1}
	keyB = thumbprint.Thumbprint{2}
)

const target = "https://api.example.com/a"

// The jti is unique for its key and its target URI only (RFC 9449 §11.1), and no
// part of one can pass for a part of another.
func TestMarkTellsProofsApart(t *testing.T) {
	t.Parallel()
	marks := map[Mark]string{}
	for _, p := range []struct {
		name     string
		jkt      thumbprint.Thumbprint
		jti, htu string
	}{
		{"a proof", keyA, "jti", target},
		{"another key", keyB, "jti", target},
		{"another jti", keyA, "jtj", target},
		{"another target", keyA, "jti", target + "b"},
		{"jti takes over from htu", keyA, "jtih", target[1:]},
		{"htu takes over from jti", keyA, "jt", "i" + target},
		{"everything in jti", keyA, "jti" + target, ""},
		{"everything in htu", keyA, "", "jti" + target},
		{"nothing", keyA, "", ""},
		{"eight zeros", keyA, "\x00\x00\x00\x00\x00\x00\x00\x00", ""},
		{"eight zeros in htu", keyA, "", "\x00\x00\x00\x00\x00\x00\x00\x00"},
	} {
		mark := MarkOf(seed, p.jkt, p.jti, p.htu)
		if other, found := marks[mark]; found {
			t.Errorf("%s is the same as %s", p.name, other)
		}
		marks[mark] = p.name
		if other := MarkOf([32]byte{8}, p.jkt, p.jti, p.htu); other == mark || other.place == mark.place {
			t.Errorf("%s: clients can tell where it is", p.name)
		}
		if again := MarkOf(seed, p.jkt, p.jti, p.htu); again != mark {
			t.Errorf("%s has two marks", p.name)
		}
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	for entries, want := range map[int]int{0: 1, 1: 1, 256: 1, 257: 2, 1024: 4, 262144: 1024} {
		if got := Buckets(entries); got != want {
			t.Errorf("%d entries: %d buckets, want %d", entries, got, want)
		}
	}
	const n = 7
	var used [n]bool
	for _, jti := range []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") {
		used[MarkOf(seed, keyA, string(jti), target).Bucket(n)] = true
	}
	for i := range used {
		if !used[i] {
			t.Errorf("no proof is in bucket %d", i)
		}
	}
}
