package jwt

import "strings"

// The headers that a [Parser] keeps: how many, and how long the segment of one may be.
const (
	keptHeaders   = 8
	maxKeptHeader = 512
)

// Parser is [Parse] for many tokens: those that one issuer signs with one key have the
// same header, byte for byte, and it is read once. A Parser keeps up to 8 good headers of
// usual length, whatever became of their tokens, and nothing else: no more than 32 KiB.
// The zero value has none. It is not safe for concurrent use.
type Parser struct {
	kept [keptHeaders]keptHeader
	next int // what is replaced next
}

type keptHeader struct {
	segment string // as sent
	read    *headerSegment
}

// Parse is [Parse]. The outcome does not depend on what was parsed before.
func (p *Parser) Parse(compact string) (*Token, error) { return parse(compact, p.header) }

func (p *Parser) header(segment string) (*headerSegment, error) {
	for i := range p.kept {
		if p.kept[i].segment == segment && p.kept[i].read != nil {
			return p.kept[i].read, nil
		}
	}
	read, err := parseHeader(segment)
	if err == nil && len(segment) <= maxKeptHeader {
		// The segment is a part of what it came in: keep only itself.
		p.kept[p.next] = keptHeader{strings.Clone(segment), read}
		p.next = (p.next + 1) % keptHeaders
	}
	return read, err
}
