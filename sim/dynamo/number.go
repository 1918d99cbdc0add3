package dynamo

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// The range of a number (developer guide, "Data types": up to 38 digits of precision, 1E-130 to 9.99E+125).
const (
	maxDigits    = 38
	maxMagnitude = 126  // digits before the point
	minMagnitude = -129 // of 1E-130
)

var (
	errNotNumber = errors.New("The parameter cannot be converted to a numeric value")                                       //nolint:staticcheck // AWS's text
	errPrecision = errors.New("Attempting to store more than 38 significant digits in a Number")                            //nolint:staticcheck // AWS's text
	errOverflow  = errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")   //nolint:staticcheck // AWS's text
	errUnderflow = errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range") //nolint:staticcheck // AWS's text
)

// number is an exact decimal: digits times ten to the power of exp. The digits neither begin nor end with a zero; those
// of zero are empty.
type number struct {
	negative bool
	digits   string
	exp      int
}

// parseNumber reads a number as DynamoDB does: 1, -1.50, 1e-5, .5, +3.
func parseNumber(text string) (number, error) {
	n := number{negative: strings.HasPrefix(text, "-")}
	mantissa := strings.TrimLeft(text, "+-")
	if len(text)-len(mantissa) > 1 {
		return n, errNotNumber
	}
	if at := strings.IndexAny(mantissa, "eE"); at >= 0 {
		exp, err := strconv.Atoi(mantissa[at+1:])
		if err != nil || exp > 1<<20 || exp < -1<<20 {
			return n, errNotNumber
		}
		mantissa, n.exp = mantissa[:at], exp
	}
	whole, broken, _ := strings.Cut(mantissa, ".")
	all := whole + broken
	if all == "" || strings.Trim(all, "0123456789") != "" {
		return n, errNotNumber
	}
	n.digits, n.exp = all, n.exp-len(broken)
	return n.checked()
}

// checked brings a number into its one form and says whether DynamoDB can hold it.
func (n number) checked() (number, error) {
	short := strings.TrimRight(n.digits, "0")
	n.exp += len(n.digits) - len(short)
	n.digits = strings.TrimLeft(short, "0")
	switch {
	case n.digits == "":
		return number{}, nil
	case len(n.digits) > maxDigits:
		return n, errPrecision
	case n.magnitude() > maxMagnitude:
		return n, errOverflow
	case n.magnitude() < minMagnitude:
		return n, errUnderflow
	}
	return n, nil
}

// magnitude is the number of digits before the point; it is not above 0 for numbers below 1.
func (n number) magnitude() int { return len(n.digits) + n.exp }

// compare is -1, 0 or 1.
func (n number) compare(o number) int {
	switch {
	case n.sign() != o.sign():
		if n.sign() < o.sign() {
			return -1
		}
		return 1
	case n.magnitude() != o.magnitude() && n.digits != "":
		if (n.magnitude() < o.magnitude()) != n.negative {
			return -1
		}
		return 1
	case n.negative:
		return strings.Compare(o.digits, n.digits)
	}
	return strings.Compare(n.digits, o.digits)
}

func (n number) sign() int {
	switch {
	case n.digits == "":
		return 0
	case n.negative:
		return -1
	}
	return 1
}

// plus is the exact sum.
func (n number) plus(o number) (number, error) {
	exp := min(n.exp, o.exp)
	sum := new(big.Int).Add(n.integer(exp), o.integer(exp))
	text, negative := strings.CutPrefix(sum.String(), "-")
	return number{negative: negative, digits: text, exp: exp}.checked()
}

// integer is the number in units of ten to the power of exp, which is not above its own.
func (n number) integer(exp int) *big.Int {
	i := new(big.Int)
	if n.digits == "" {
		return i
	}
	i.SetString(n.digits+strings.Repeat("0", n.exp-exp), 10)
	if n.negative {
		i.Neg(i)
	}
	return i
}

func (n number) minus() number {
	n.negative = !n.negative && n.digits != ""
	return n
}

// String writes the number without exponent, as DynamoDB returns it.
func (n number) String() string {
	var b strings.Builder
	if n.negative {
		b.WriteByte('-')
	}
	switch point := n.magnitude(); {
	case n.digits == "":
		b.WriteByte('0')
	case point <= 0:
		b.WriteString("0." + strings.Repeat("0", -point) + n.digits)
	case n.exp >= 0:
		b.WriteString(n.digits + strings.Repeat("0", n.exp))
	default:
		b.WriteString(n.digits[:point] + "." + n.digits[point:])
	}
	return b.String()
}

// seconds is a whole number of unix seconds; false if it is none.
func (n number) seconds() (int64, bool) {
	if n.exp < 0 {
		return 0, false
	}
	s, err := strconv.ParseInt(n.String(), 10, 64)
	return s, err == nil
}

// whole is a count.
func whole(n int) number {
	w, err := parseNumber(strconv.Itoa(n))
	if err != nil { // an int always fits
		return number{}
	}
	return w
}
