package replay

import (
	"bytes"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// noon is when most tests begin.
var noon = time.Date(2026, time.January, 1, 12, 0, 0, 0, time.UTC)

// after is a time so many milliseconds after noon.
func after(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

func proof(jti string) Mark { return MarkOf(seed, keyA, jti, target) }

// full is a bucket with as many proofs as it holds, which all end 60 s after noon.
func full(t *testing.T) Bucket {
	t.Helper()
	b := Open()
	for i := range BucketEntries {
		var outcome Outcome
		if b, outcome = b.Spend(proof(strconv.Itoa(i)), after(60_000), noon); outcome != Fresh {
			t.Fatalf("proof %d: %d", i, outcome)
		}
	}
	return b
}

// Each step spends a proof in the bucket that the step before left behind.
func TestSpend(t *testing.T) {
	t.Parallel()
	type step struct {
		jti          string
		expires, now int // milliseconds after noon
		want         Outcome
	}
	open := func(*testing.T) Bucket { return Open() }
	for name, c := range map[string]struct {
		start func(*testing.T) Bucket
		steps []step
	}{
		"a proof is accepted once": {open, []step{
			{"a", 60_000, 0, Fresh}, {"a", 60_000, 0, Replayed}, {"a", 60_000, 60_000, Replayed},
			{"b", 60_000, 60_000, Fresh}, {"a", 60_000, 60_000, Replayed},
		}},
		"a jti is used again while the first proof lives": {open, []step{
			{"a", 60_000, 0, Fresh}, {"a", 90_000, 30_000, Replayed},
		}},
		"a jti is used again when the first proof is gone": {open, []step{
			{"a", 60_000, 0, Fresh}, {"a", 121_000, 61_000, Fresh}, {"a", 121_000, 62_000, Replayed},
		}},
		"a proof is kept to the full second": {open, []step{
			{"a", 60_001, 0, Fresh}, {"a", 70_000, 61_999, Replayed}, {"a", 70_000, 62_000, Fresh},
		}},
		"a proof that has ended is not remembered": {open, []step{
			{"a", -1, 0, Failed}, {"a", 0, 0, Fresh}, {"a", 0, 0, Replayed},
		}},
		"the clock is set back to when the entry lives": {open, []step{
			{"a", 60_000, 0, Fresh}, {"a", 60_000, 30_000, Replayed}, {"b", 90_000, 60_000, Fresh}, {"a", 60_000, -3_600_000, Replayed},
		}},
		"the clock is set back after the entry made room": {open, []step{
			{"a", 60_000, 0, Fresh}, {"b", 130_000, 70_000, Fresh}, {"a", 60_000, 0, Failed},
			{"c", 60_000, 0, Failed}, {"c", 60_001, 0, Fresh}, {"b", 130_000, 0, Replayed},
		}},
		"the clock is set forward and back": {open, []step{
			{"a", 60_000, 0, Fresh}, {"b", 86_460_000, 86_400_000, Fresh}, {"a", 60_000, 0, Failed},
			{"c", 70_000, 10_000, Fresh}, {"b", 86_460_000, 10_000, Replayed},
		}},
		"a bucket is full": {full, []step{
			{"a", 60_000, 0, Full}, {"0", 60_000, 0, Replayed}, {"a", 120_000, 60_000, Full}, {"255", 60_000, 60_000, Replayed},
			{"a", 121_000, 61_000, Fresh}, {"a", 121_000, 61_000, Replayed}, {"0", 60_000, 60_000, Failed},
		}},
		"a bucket is sealed": {func(*testing.T) Bucket { return Sealed(after(80_000)) }, []step{
			{"a", 80_000, 0, Failed}, {"a", 80_000, 80_000, Failed}, {"b", 80_001, 0, Fresh}, {"b", 80_001, 0, Replayed},
		}},
		"a bucket is sealed within a second": {func(*testing.T) Bucket { return Sealed(after(80_001)) }, []step{
			{"a", 81_000, 0, Failed}, {"a", 81_001, 0, Fresh},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := c.start(t)
			for i, s := range c.steps {
				before := bytes.Clone(b)
				var got Outcome
				if b, got = b.Spend(proof(s.jti), after(s.expires), after(s.now)); got != s.want {
					t.Fatalf("step %d: %d, want %d", i, got, s.want)
				}
				if got != Fresh && !bytes.Equal(b, before) {
					t.Errorf("step %d: the bucket has changed", i)
				}
				if _, err := Parse(b); err != nil {
					t.Errorf("step %d: what is left does not parse", i)
				}
			}
		})
	}
}

// Four bytes of seconds end in 2106: nothing is rounded to a time in between.
func TestSpendBeyondTheSeconds(t *testing.T) {
	t.Parallel()
	last := time.Unix(math.MaxUint32, 0)
	for _, c := range []struct {
		name         string
		bucket       Bucket
		expires, now time.Time
		want         Outcome
	}{
		{"the last second", Open(), last, last, Fresh},
		{"after it", Open(), last.Add(1), last, Failed},
		{"long after it", Open(), time.Unix(math.MaxUint32+1000, 0), last, Failed},
		{"before 1970", Open(), time.Unix(-1, 0), time.Unix(-2, 0), Failed},
		{"at the floor of an open bucket", Open(), time.Unix(0, 0), time.Unix(0, 0), Failed},
		{"sealed until after it", Sealed(last.Add(1)), last, noon, Failed},
		{"sealed until before 1970", Sealed(time.Unix(-1, 0)), last, noon, Failed},
	} {
		if _, got := c.bucket.Spend(proof("a"), c.expires, c.now); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	one, _ := Sealed(noon).Spend(proof("a"), after(60_000), noon)
	atFloor := bytes.Clone(one)
	copy(atFloor[len(atFloor)-secondsSize:], atFloor[len(magic):headerSize])
	for _, c := range []struct {
		name  string
		value []byte
		good  bool
	}{
		{"open", Open(), true},
		{"sealed", Sealed(noon), true},
		{"one proof", one, true},
		{"full", full(t), true},
		{"nil", nil, false},
		{"no floor", []byte(magic), false},
		{"cut off in the floor", one[:headerSize-1], false},
		{"cut off in an entry", one[:len(one)-1], false},
		{"a byte more", append(bytes.Clone(one), 0), false},
		{"another version", append([]byte("hfr\x02"), one[len(magic):]...), false},
		{"an entry of zeros", append(Open(), make([]byte, entrySize)...), false},
		{"an entry that ends at the floor", atFloor, false},
		{"one entry too many", append(full(t), one[headerSize:]...), false},
		{"what others write", []byte(`{"keys":[]}`), false},
	} {
		b, err := Parse(c.value)
		if (err == nil) != c.good || c.good && !bytes.Equal(b, c.value) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if n := len(full(t)); n != MaxBucketSize {
		t.Errorf("a full bucket has %d bytes", n)
	}
}

// Whatever the clock does, no proof is accepted twice.
func TestNoClockBringsAProofBack(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		type spent struct {
			mark    Mark
			expires time.Time
		}
		var accepted []spent
		b, wrong := Open(), time.Duration(0)
		for i := range 2000 {
			switch random.IntN(40) {
			case 0:
				wrong = time.Duration(random.IntN(200)-100) * time.Second
			case 1:
				wrong = 0
			}
			now := after(250 * i).Add(wrong)
			p := spent{proof(strconv.Itoa(i)), now.Add(time.Duration(random.IntN(80_000)) * time.Millisecond)}
			var outcome Outcome
			if b, outcome = b.Spend(p.mark, p.expires, now); outcome == Fresh {
				accepted = append(accepted, p)
			}
			if len(accepted) == 0 {
				continue
			}
			again := accepted[random.IntN(len(accepted))]
			if b, outcome = b.Spend(again.mark, again.expires, now); outcome == Fresh {
				t.Fatalf("seed %d, step %d: a proof was accepted twice", seed, i)
			}
		}
		if len(accepted) < 256 {
			t.Errorf("seed %d: only %d proofs were accepted", seed, len(accepted))
		}
	}
}

func FuzzBucket(f *testing.F) {
	one, _ := Open().Spend(proof("a"), after(60_000), noon)
	for _, value := range [][]byte{nil, []byte(magic), Open(), Sealed(noon), one} {
		f.Add(value, "a", noon.Unix()+60, noon.Unix())
	}
	f.Fuzz(func(t *testing.T, value []byte, jti string, expires, now int64) {
		b, err := Parse(bytes.Clone(value))
		if err != nil {
			return
		}
		if !bytes.Equal(b, value) {
			t.Fatal("reading changes it")
		}
		end, at := time.Unix(expires, 0), time.Unix(now, 0)
		b, outcome := b.Spend(proof(jti), end, at)
		if outcome != Fresh {
			if !bytes.Equal(b, value) {
				t.Error("a refusal changes it")
			}
			return
		}
		if _, err := Parse(b); err != nil {
			t.Error("what was written cannot be read")
		}
		for _, again := range []time.Time{at, end, end.Add(-time.Hour)} {
			if _, outcome := b.Spend(proof(jti), end, again); outcome == Fresh {
				t.Errorf("accepted a second time, at %v", again)
			}
		}
	})
}

func BenchmarkMarkOf(b *testing.B) {
	for b.Loop() {
		MarkOf(seed, keyA, "e1j3V_bKic8-LAEB1lccD0", target)
	}
}

// The price of a bucket that is nearly full.
func BenchmarkSpend(b *testing.B) {
	bucket := Open()
	for i := range BucketEntries - 1 {
		bucket, _ = bucket.Spend(proof(strconv.Itoa(i)), after(60_000), noon)
	}
	value, mark := make([]byte, MaxBucketSize), proof("new")
	for b.Loop() {
		read, err := Parse(value[:copy(value, bucket)])
		if err != nil {
			b.Fatal(err)
		}
		if _, outcome := read.Spend(mark, after(60_000), noon); outcome != Fresh {
			b.Fatal(outcome)
		}
	}
}
