package jwt

import "filippo.io/nistec"

// Most of the time of an ES256 verification goes into doubling points, and the
// doublings of one point are the same each time. A Table has them all beforehand,
// so that a multiple of its point is a sum of 32 of its entries.

// Table has multiples of one point of P-256: of a key, or of the curve's
// generator. It is immutable and safe for concurrent use. Beside the point itself
// it takes [TableBytes] of memory. A [TableBuilder] makes it.
type Table struct {
	point string // SEC 1 §2.3.3, uncompressed
	// windows[i] has the multiples of 256^i·P by 1, 2, 3 …: 128 of them, because a
	// digit of a scalar is between -127 and 128 (add). The last has 256.
	windows [tableWindows][]nistec.P256Point
}

const (
	tableWindows = 32 // digits of a scalar
	tableWindow  = 128
	pointBytes   = 96

	// TableBytes is the memory of one table.
	TableBytes = (tableWindows + 1) * tableWindow * pointBytes

	// TableSteps is how many calls of [TableBuilder.Step] make a table.
	TableSteps = tableWindows / stepWindows

	// stepWindows makes a step of about 1 ms in a Wasm VM.
	stepWindows = 4
)

func (t *Table) has(point string) bool { return t != nil && t.point == point }

// add adds scalar·P to sum. The scalar is big-endian and of 32 bytes. Its digits to
// base 256 are signed, which halves the table: above 128 a digit takes 256 from the
// next one and is negative. There is no next one for the last, whose window is
// large enough for what a byte and a carry can be.
func (t *Table) add(sum *nistec.P256Point, scalar []byte) {
	var negated nistec.P256Point
	carry := 0
	for i, window := range t.windows {
		digit := carry + int(scalar[tableWindows-1-i])
		carry = 0
		if digit > len(window) {
			digit, carry = digit-256, 1
		}
		// The sum may be infinity, or the entry or its opposite: nistec's addition is
		// complete.
		switch {
		case digit > 0:
			sum.Add(sum, &window[digit-1])
		case digit < 0:
			sum.Add(sum, negated.Negate(&window[-digit-1]))
		}
	}
}

// TableBuilder makes a [Table] in slices. It is not safe for concurrent use. What it
// has made so far verifies nothing.
type TableBuilder struct {
	table Table
	next  nistec.P256Point // 256^done·P
	done  int              // windows that are complete
}

// Point is the public key of an ES256 key as SEC 1 §2.3.3 writes it uncompressed: 65
// bytes. It is empty for any other key. Keys with the same point share a [Table].
func (k *Key) Point() string {
	if public, ok := k.public.(*ecKey[*nistec.P256Point]); ok {
		return public.point
	}
	return ""
}

// NewTable begins a table for the key. It returns nil when the key does not verify
// ES256: the other algorithms have no tables.
func (k *Key) NewTable() *TableBuilder {
	public, ok := k.public.(*ecKey[*nistec.P256Point])
	if !ok {
		return nil
	}
	return newTable(public.public, public.point)
}

// NewGeneratorTable begins the table of the generator of P-256, which serves every
// key.
func NewGeneratorTable() *TableBuilder {
	return newTable(nistec.NewP256Point().SetGenerator(), p256Generator)
}

func newTable(p *nistec.P256Point, point string) *TableBuilder {
	b := &TableBuilder{table: Table{point: point}}
	b.next.Set(p)
	return b
}

// p256Generator is what the table of the generator is known by.
var p256Generator = string(nistec.NewP256Point().SetGenerator().Bytes())

// Step does one of [TableSteps] slices, about 1 ms of work in a Wasm VM. It returns
// the table with the last of them, and nil before. Further calls return it again.
func (b *TableBuilder) Step() *Table {
	for range stepWindows {
		if b.done == tableWindows {
			break
		}
		b.window()
	}
	if b.done < tableWindows {
		return nil
	}
	return &b.table
}

// window makes the next window.
func (b *TableBuilder) window() {
	size := tableWindow
	if b.done == tableWindows-1 {
		size *= 2 // add says why
	}
	window := make([]nistec.P256Point, size)
	window[0].Set(&b.next)
	for i := 1; i < size; i++ {
		window[i].Add(&window[i-1], &b.next)
	}
	b.next.Double(&window[tableWindow-1])
	b.table.windows[b.done] = window
	b.done++
}

// Tables are the precomputed multiples that a verification may use. Either may be
// nil; one of another point than it is for is not used. In a Wasm VM both together
// make it five times as fast as crypto/ecdsa; the generator's alone saves a tenth.
type Tables struct {
	Generator *Table
	Key       *Table
}

// combineP256 is combine with the tables that are there.
func combineP256(k *ecKey[*nistec.P256Point], u, v []byte, tables Tables) (*nistec.P256Point, error) {
	sum := nistec.NewP256Point()
	if tables.Generator.has(p256Generator) {
		tables.Generator.add(sum, u)
	} else if _, err := sum.ScalarBaseMult(u); err != nil {
		return nil, err
	}
	if tables.Key.has(k.point) {
		tables.Key.add(sum, v)
		return sum, nil
	}
	vQ, err := nistec.NewP256Point().ScalarMult(k.public, v)
	if err != nil {
		return nil, err
	}
	return sum.Add(sum, vQ), nil
}
