package jwt

import (
	"math"
	"time"

	"holdfast/strictjson"
)

// lastDate is the last second that RFC 3339 can write. Later dates are taken as
// this one: [time.Time] overflows long before 2^63 seconds, and a comparison that
// wraps around would turn "never" into "long ago" or the reverse.
const lastDate = 253402300799 // 9999-12-31T23:59:59Z

// maxNumericDate is what still counts as a date. Beyond it no integer type holds
// the seconds, and parsers begin to differ about the value.
const maxNumericDate = 1 << 63

var errDate = &detail{ErrClaim, "not a NumericDate"}

// Time returns the claim of this name as a NumericDate, as [NumericDate] reads it.
func (c Claims) Time(name string) (t time.Time, present bool, err error) {
	return NumericDate(c.object.Get(name))
}

// NumericDate reads the value of a claim as a date (RFC 7519 §2): seconds since
// 1970 in UTC, whole or with a fraction. present is false when there is no such
// claim. Anything but a number from 0 to 2^63, null included, is an error that
// wraps [ErrClaim]. Dates after the year 9999 are returned as its end.
func NumericDate(v strictjson.Value) (t time.Time, present bool, err error) {
	if v.Kind() == strictjson.Missing {
		return time.Time{}, false, nil
	}
	seconds, ok := v.Float()
	if !ok || seconds < 0 || seconds > maxNumericDate {
		return time.Time{}, true, errDate
	}
	if seconds >= lastDate {
		return time.Unix(lastDate, 0), true, nil
	}
	whole := math.Trunc(seconds)
	return time.Unix(int64(whole), int64((seconds-whole)*1e9)), true, nil
}
