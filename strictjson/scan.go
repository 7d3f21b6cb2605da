package strictjson

// scan reads doc byte by byte, without recursion, for what has to be known
// before gjson may see it: gjson's own check recurses, so the depth comes
// first, and it takes half of a surrogate pair for a character. It returns how
// many members or elements the outermost value can have at most.
//
// It is no grammar check. On text that breaks the grammar it may err either
// way, and gjson.Valid then has the last word.
func scan(doc string) (size int, err error) {
	depth := 0
	for i := 0; i < len(doc); i++ {
		switch doc[i] {
		case '{', '[':
			depth++
			if depth > MaxDepth {
				return 0, errDepth
			}
		case '}', ']':
			depth--
		case ',':
			if depth == 1 {
				size++
			}
		case '"':
			if i, err = skipString(doc, i+1); err != nil {
				return 0, err
			}
		}
	}
	return size + 1, nil
}

// skipString returns where the string whose text starts at i ends: at its
// closing quote, or at the end of doc. Every \uD800 to \uDFFF in it must be one
// of a pair, for RFC 8259 §8.2 leaves open what a lone one means.
func skipString(doc string, i int) (end int, err error) {
	for ; i < len(doc); i++ {
		switch doc[i] {
		case '"':
			return i, nil
		case '\\':
			i++
			if i == len(doc) || doc[i] != 'u' {
				continue
			}
			unit, ok := hex4(doc, i+1)
			if !ok {
				continue // the grammar check refuses it
			}
			i += 4
			if unit < 0xD800 || unit > 0xDFFF {
				continue
			}
			if unit > 0xDBFF || i+2 >= len(doc) || doc[i+1] != '\\' || doc[i+2] != 'u' {
				return 0, errSurrogate
			}
			low, ok := hex4(doc, i+3)
			if !ok || low < 0xDC00 || low > 0xDFFF {
				return 0, errSurrogate
			}
			i += 6
		}
	}
	return i, nil
}

// hex4 reads the four hex digits of a \u escape at i.
func hex4(doc string, i int) (unit uint16, ok bool) {
	if i+4 > len(doc) {
		return 0, false
	}
	for _, c := range []byte(doc[i : i+4]) {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint16(c)
	}
	return unit, true
}
