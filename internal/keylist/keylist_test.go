package keylist

import (
	"bytes"
	"encoding/base64"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	a, b := bytes.Repeat([]byte{'a'}, Size), bytes.Repeat([]byte{0xfb, 0xff}, Size/2)
	textA := base64.StdEncoding.EncodeToString(a)
	for name, test := range map[string]struct {
		list string
		want [][]byte // none: refused
	}{
		"one":                   {textA, [][]byte{a}},
		"unpadded":              {base64.RawStdEncoding.EncodeToString(a), [][]byte{a}},
		"base64":                {base64.StdEncoding.EncodeToString(b), [][]byte{b}},
		"base64url":             {base64.RawURLEncoding.EncodeToString(b), [][]byte{b}},
		"in their order":        {base64.URLEncoding.EncodeToString(b) + ", " + textA, [][]byte{b, a}},
		"one on each line":      {textA + "\r\n" + base64.URLEncoding.EncodeToString(b) + "\n", [][]byte{a, b}},
		"none":                  {"", nil},
		"separators":            {" ,\t\r\n", nil},
		"twice":                 {textA + "," + base64.RawURLEncoding.EncodeToString(a), nil},
		"31 bytes":              {base64.StdEncoding.EncodeToString(a[1:]), nil},
		"33 bytes":              {base64.StdEncoding.EncodeToString(append(a[:Size:Size], 'a')), nil},
		"both alphabets":        {"-+" + textA[2:], nil},
		"one of two is no key":  {textA + ",x", nil},
		"trailing bits are set": {textA[:42] + "F", nil},
	} {
		keys, ok := Parse(test.list)
		if ok != (test.want != nil) || len(keys) != len(test.want) {
			t.Errorf("%s: %d keys, %v", name, len(keys), ok)
			continue
		}
		for i := range keys {
			if !bytes.Equal(keys[i], test.want[i]) {
				t.Errorf("%s: key %d is %x", name, i, keys[i])
			}
		}
	}
}
