package config

import (
	"encoding/binary"
	"math"
	"slices"

	"holdfast/strictjson"
)

// appendCanonical appends a form of a JSON value that two values have in common
// exactly when they say the same: members by name, numbers as the float64 that
// readers take, texts unescaped. Every part begins with its kind and is of known
// length, so no two values run into one form. It recurses as deep as the value,
// which is [strictjson.MaxDepth] at most.
func appendCanonical(b []byte, v strictjson.Value) []byte {
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case strictjson.Number:
		number, ok := v.Float()
		if !ok {
			return appendText(append(b, 1), v.Raw()) // beyond float64
		}
		b = binary.BigEndian.AppendUint64(append(b, 0), math.Float64bits(number))
	case strictjson.Bool:
		b = appendText(b, v.Raw())
	case strictjson.String:
		text, _ := v.Text()
		b = appendText(b, text)
	case strictjson.Array:
		elements, _ := v.Array()
		b = appendLength(b, len(elements))
		for _, element := range elements {
			b = appendCanonical(b, element)
		}
	case strictjson.Object:
		b = appendMembers(b, v)
	}
	return b
}

func appendMembers(b []byte, v strictjson.Value) []byte {
	members, _ := v.Members()
	values := make(map[string]strictjson.Value, len(members))
	names := make([]string, 0, len(members))
	for _, member := range members {
		values[member.Name] = member.Value
		names = append(names, member.Name)
	}
	slices.Sort(names)
	b = appendLength(b, len(names))
	for _, name := range names {
		b = appendCanonical(appendText(b, name), values[name])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(appendLength(b, len(s)), s...)
}

func appendLength(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n))
}
