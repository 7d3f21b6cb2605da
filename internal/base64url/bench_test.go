package base64url

import (
	"strings"
	"testing"
)

func BenchmarkDecode(b *testing.B) {
	text := strings.Repeat("eyJhbGci", 75)
	var buffer [1024]byte
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := AppendDecode(buffer[:0], text); !ok {
			b.Fatal("refused")
		}
	}
}
