package jwt

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"math/big"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"filippo.io/nistec"
)

// wholeTable takes all steps.
func wholeTable(b *TableBuilder) *Table {
	for {
		if table := b.Step(); table != nil {
			return table
		}
	}
}

var generatorTable = sync.OnceValue(func() *Table { return wholeTable(NewGeneratorTable()) })

// order is n of P-256.
var order = elliptic.P256().Params().N

func setBytes(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

// plus is n + i.
func plus(i int64) *big.Int { return new(big.Int).Add(order, big.NewInt(i)) }

// TestTableHasTheMultiples asks nistec for every entry.
func TestTableHasTheMultiples(t *testing.T) {
	t.Parallel()
	p := newES256(t, big.NewInt(7))
	count, base := 0, big.NewInt(7)
	for i, window := range p.tables.Key.windows {
		want := new(big.Int)
		for j := range window {
			want.Add(want, base)
			point, err := nistec.NewP256Point().ScalarBaseMult(new(big.Int).Mod(want, order).FillBytes(make([]byte, 32)))
			if err != nil || !bytes.Equal(point.Bytes(), window[j].Bytes()) {
				t.Fatalf("window %d: entry %d is not the multiple by %d", i, j, j+1)
			}
		}
		base = new(big.Int).Lsh(base, 8)
		count += len(window)
	}
	if size := count * int(unsafe.Sizeof(nistec.P256Point{})); size != TableBytes {
		t.Errorf("a table has %d bytes, TableBytes says %d", size, TableBytes)
	}
}

// TestTableIsThereWhenItIsWhole: nothing can be had of a table that is half made.
func TestTableIsThereWhenItIsWhole(t *testing.T) {
	t.Parallel()
	b := NewGeneratorTable()
	for i := 1; i < TableSteps; i++ {
		if b.Step() != nil {
			t.Fatalf("a table after %d of %d steps", i, TableSteps)
		}
	}
	table := b.Step()
	if table == nil {
		t.Fatalf("no table after %d steps", TableSteps)
	}
	if b.Step() != table || len(table.windows[tableWindows-1]) != 2*tableWindow {
		t.Error("one step more changes the table")
	}
}

// TestOnlyES256HasTables: the other keys have none, and none is of another's point.
func TestOnlyES256HasTables(t *testing.T) {
	t.Parallel()
	var all []string
	for _, a := range allAlgorithms {
		all = append(all, newIssuer(a).jwk())
	}
	keys := mustKeySet(t, all...)
	for i := range keys.keys {
		key := &keys.keys[i]
		want := key.Fits(ES256)
		if got := key.NewTable() != nil; got != want || key.Point() == "" == want {
			t.Errorf("key %d: table %v, want %v; point %x", i, got, want, key.Point())
		}
	}
	is := newIssuer(ES256)
	own, err := is.keySet(t).Find(Header{Algorithm: ES256})
	if err != nil {
		t.Fatal(err)
	}
	same, err := is.keySet(t, `,"kid":"other","use":"sig"`).Find(Header{Algorithm: ES256})
	if err != nil {
		t.Fatal(err)
	}
	if len(own.Point()) != 65 || own.Point() != same.Point() {
		t.Errorf("points %x and %x of one key", own.Point(), same.Point())
	}
	rsa := newIssuer(RS256).keySet(t)
	if !keys.Holds(own.Point()) || rsa.Holds(own.Point()) || rsa.Holds("") || (*KeySet)(nil).Holds("") {
		t.Error("a set does not know what points it holds")
	}
}

// TestTablesOfOthersAreNotUsed: a table that was mixed up costs time, and nothing else.
func TestTablesOfOthersAreNotUsed(t *testing.T) {
	t.Parallel()
	a, b := newES256(t, big.NewInt(1234567)), newES256(t, big.NewInt(7654321))
	sum, signature := a.sign(big.NewInt(99), big.NewInt(1))
	for name, tables := range map[string]Tables{
		"none":      {},
		"key only":  {Key: a.tables.Key},
		"both":      a.tables,
		"another's": b.tables,
		"swapped":   {Generator: a.tables.Key, Key: a.tables.Generator},
	} {
		if !a.key.verifyDigest(sum, signature, tables) {
			t.Errorf("%s: a good signature is refused", name)
		}
		if b.key.verifyDigest(sum, signature, tables) {
			t.Errorf("%s: another key takes the signature", name)
		}
	}
	for _, algorithm := range allAlgorithms {
		is := newIssuer(algorithm)
		token, err := Parse(is.compact(is.header(), goodClaims))
		if err != nil {
			t.Fatal(err)
		}
		key, err := is.keySet(t).Find(token.Header())
		if err != nil {
			t.Fatal(err)
		}
		if err := key.VerifyWith(token, a.tables); err != nil {
			t.Errorf("%v: %v", algorithm, err)
		}
	}
}

// es256 is a key pair in both implementations.
type es256 struct {
	d      *big.Int
	public *ecdsa.PublicKey
	key    *ecKey[*nistec.P256Point]
	tables Tables
}

// newES256 makes the key pair with this private key, from 1 to n-1.
func newES256(t testing.TB, d *big.Int) *es256 {
	t.Helper()
	point, err := nistec.NewP256Point().ScalarBaseMult(d.FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	encoded := point.Bytes()
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), encoded)
	if err != nil {
		t.Fatal(err)
	}
	key, ok := parsePoint(&p256, encoded[1:33], encoded[33:])
	if !ok {
		t.Fatal("the point is refused")
	}
	ours := key.(*ecKey[*nistec.P256Point])
	return &es256{d, public, ours, Tables{generatorTable(), wholeTable((&Key{public: ours}).NewTable())}}
}

// sign returns the digest and the signature for which verification computes u·G +
// v·Q. They are good unless that is infinity, or its x is 0.
func (p *es256) sign(u, v *big.Int) (sum, signature []byte) {
	k := new(big.Int).Mul(v, p.d)
	k.Add(k, u).Mod(k, order)
	r := big.NewInt(1)
	if k.Sign() != 0 {
		point, err := nistec.NewP256Point().ScalarBaseMult(k.FillBytes(make([]byte, 32)))
		if err != nil {
			panic(err)
		}
		r = setBytes(point.Bytes()[1:33])
		r.Mod(r, order)
	}
	s := new(big.Int).ModInverse(v, order)
	s.Mul(s, r).Mod(s, order)
	e := new(big.Int).Mul(u, s)
	e.Mod(e, order)
	return e.FillBytes(make([]byte, 32)), rAndS(elliptic.P256(), r, s)
}

// agree fails the test unless crypto/ecdsa says the same as this package does with
// both tables, and without the one or the other. It returns what they say.
func (p *es256) agree(t testing.TB, sum, signature []byte) bool {
	t.Helper()
	want := ecdsa.Verify(p.public, sum, setBytes(signature[:32]), setBytes(signature[32:]))
	other := [...]Tables{{}, {Generator: p.tables.Generator}, {Key: p.tables.Key}}[signature[0]%3]
	for _, tables := range [...]Tables{p.tables, other} {
		if got := p.key.verifyDigest(sum, signature, tables); got != want {
			t.Fatalf("private key %x, digest %x, signature %x, generator's table %v, key's table %v: %v, crypto/ecdsa says %v",
				p.d, sum, signature, tables.Generator != nil, tables.Key != nil, got, want)
		}
	}
	return want
}

// scalars are those with which the sums of a verification come upon infinity, upon
// the same point twice or upon its opposite, and those around the ends of a digit.
var scalars = func() []*big.Int {
	var all []*big.Int
	for _, i := range []int64{1, 2, 3, 4, 127, 128, 129, 130, 254, 255, 256, 257, 32767, 32768, 32896, 65535, 65536} {
		all = append(all, big.NewInt(i), plus(-i))
	}
	half := new(big.Int).Rsh(order, 1)
	all = append(all, half, new(big.Int).Add(half, big.NewInt(1)))
	for _, bit := range []uint{247, 248, 255} {
		power := new(big.Int).Lsh(big.NewInt(1), bit)
		all = append(all, power, new(big.Int).Sub(power, big.NewInt(1)))
	}
	for _, digit := range []string{"80", "81", "7f", "ff"} { // and 80 with a carry from below
		repeated, _ := new(big.Int).SetString(strings.Repeat(digit, 32), 16)
		all = append(all, repeated.Mod(repeated, order))
	}
	return all
}()

// TestES256AtTheEdges takes keys that are the generator, its opposite and small
// multiples of both through sums that double a point or end at infinity.
func TestES256AtTheEdges(t *testing.T) {
	t.Parallel()
	for _, d := range []*big.Int{
		big.NewInt(1), big.NewInt(2), big.NewInt(3), big.NewInt(128), big.NewInt(256), big.NewInt(65536),
		plus(-1), plus(-2), plus(-3), plus(-128), plus(-256),
	} {
		p := newES256(t, d)
		good, infinite := 0, 0
		for _, v := range scalars {
			// u = 0, u·G = v·Q and u·G = -v·Q besides.
			same := new(big.Int).Mul(v, d)
			same.Mod(same, order)
			opposite := new(big.Int).Sub(order, same)
			for i, u := range append([]*big.Int{new(big.Int), same, opposite}, scalars...) {
				sum, signature := p.sign(u, v)
				k := new(big.Int).Mul(v, d)
				k.Add(k, u).Mod(k, order)
				if i == 2 && k.Sign() != 0 {
					t.Fatal("the test makes no infinity")
				}
				if k.Sign() == 0 {
					infinite++
				}
				if p.agree(t, sum, signature) != (k.Sign() != 0) {
					t.Fatalf("private key %d, u %d, v %d: want %v", d, u, v, k.Sign() != 0)
				}
				good++
			}
		}
		if infinite < len(scalars) {
			t.Errorf("private key %d: infinity %d times in %d", d, infinite, good)
		}
	}
}

// TestES256RefusesRAndSOutOfRange is step 1 of FIPS 186-5 §6.4.2, with tables.
func TestES256RefusesRAndSOutOfRange(t *testing.T) {
	t.Parallel()
	p := newES256(t, big.NewInt(42))
	sum, signature := p.sign(big.NewInt(3), big.NewInt(5))
	good := [2]*big.Int{setBytes(signature[:32]), setBytes(signature[32:])}
	if !p.agree(t, sum, signature) {
		t.Fatal("a good signature is refused")
	}
	most := setBytes(bytes.Repeat([]byte{0xff}, 32))
	for _, wrong := range []*big.Int{new(big.Int), big.NewInt(1), plus(-1), order, plus(1), most} {
		for i := range good {
			values := good
			values[i] = wrong
			if p.agree(t, sum, rAndS(elliptic.P256(), values[0], values[1])) {
				t.Errorf("%x in place of value %d is taken", wrong, i)
			}
		}
	}
	for _, length := range []int{0, 32, 63, 65, 128} {
		if p.key.verifyDigest(sum, append(signature, make([]byte, 64)...)[:length], p.tables) {
			t.Errorf("%d bytes are taken", length)
		}
	}
}

// TestES256AgreesWithTheStandardLibrary is the run of every build; TestSoakES256 is
// the long one.
func TestES256AgreesWithTheStandardLibrary(t *testing.T) {
	t.Parallel()
	compareES256(t, 100_000)
}

// compareES256 compares n signatures, on all cores.
func compareES256(t *testing.T, n int) {
	seed := rand.Uint64()
	t.Logf("seed %#x", seed)
	shards := runtime.GOMAXPROCS(0)
	for shard := range shards {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, uint64(shard)))
			good := 0
			for i, p := 0, (*es256)(nil); i < n/shards; i++ {
				if i%5000 == 0 {
					p = newES256(t, randomScalar(random))
				}
				sum, signature := p.sign(randomScalar(random), randomScalar(random))
				mutate(random, sum, signature)
				if p.agree(t, sum, signature) {
					good++
				}
			}
			if good < n/shards/3 || good > n/shards*2/3 {
				t.Errorf("%d of %d signatures are good: the test does not look at both sides", good, n/shards)
			}
		})
	}
}

// randomScalar is from 1 to n-1: any, or one at an edge.
func randomScalar(random *rand.Rand) *big.Int {
	if random.IntN(4) == 0 {
		return scalars[random.IntN(len(scalars))]
	}
	var b [32]byte
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	d := setBytes(b[:])
	return d.Mod(d, plus(-1)).Add(d, big.NewInt(1))
}

// mutate leaves half of the signatures as good as they are.
func mutate(random *rand.Rand, sum, signature []byte) {
	s := setBytes(signature[32:])
	switch kind := random.IntN(12); kind {
	case 0, 1: // one bit
		signature[random.IntN(64)] ^= 1 << random.IntN(8)
	case 2:
		sum[random.IntN(32)] ^= 1 << random.IntN(8)
	case 3: // the other signature of the same digest, which is good too
		s.Sub(order, s).FillBytes(signature[32:])
	case 4: // r and s change places
		copy(signature[32:], signature[:32])
		s.FillBytes(signature[:32])
	case 5, 6: // an edge for one of them
		edges := []*big.Int{new(big.Int), big.NewInt(1), plus(-1), order, plus(1)}
		edges[random.IntN(len(edges))].FillBytes(signature[32*(kind-5) : 32*(kind-4)])
	case 7: // any digest
		for i := range sum {
			sum[i] = byte(random.Uint32())
		}
	}
}
