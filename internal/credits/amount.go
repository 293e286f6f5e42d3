// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package credits computes with credits, the money of KIE.AI, exactly to a
// thousandth. A credit is half a US cent.
package credits

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	// perCredit is how many thousandths a credit has, and decimals how many digits they are.
	perCredit = 1000
	decimals  = 3
	// most is more credits than anybody has: 5 million dollars. An amount beyond it is somebody's mistake.
	most = 1_000_000_000
	// mostDigits is the length of most.
	mostDigits = 10
)

// Amount is a number of credits, in thousandths, of at most a billion credits in
// either direction. Its zero value is no credits. Amounts are compared with ==
// and Less, and computed with by Plus and Minus, which do not overflow.
type Amount struct{ thousandths int64 }

// Of is an amount of whole credits.
func Of(whole int64) Amount {
	return Amount{max(min(whole, most), -most) * perCredit}
}

// within keeps an amount between its bounds. The sum of two amounts is far from
// the bounds of an int64.
func within(thousandths int64) Amount {
	return Amount{max(min(thousandths, most*perCredit), -most*perCredit)}
}

// Parse reads an amount as String writes it: digits, and at most three decimals
// behind a point. What is negative, beyond a billion or written in another way
// is an error: an amount that cannot be read must not pass for one of 0.
func Parse(text string) (Amount, error) {
	whole, fraction, pointed := strings.Cut(text, ".")
	if !isDigits(whole) || len(whole) > mostDigits || (pointed && !isDigits(fraction)) || len(fraction) > decimals {
		return Amount{}, fmt.Errorf("%.40q is not a number of credits such as 60 or 14.4", text)
	}
	thousandths, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil || thousandths > most*perCredit {
		return Amount{}, fmt.Errorf("%.40q is more than %d credits", text, most)
	}
	return Amount{thousandths}, nil
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// FromFloat rounds a number to an amount; ok is false if it is not finite, or beyond
// a billion.
func FromFloat(number float64) (amount Amount, ok bool) {
	if math.IsNaN(number) || math.Abs(number) > most {
		return Amount{}, false
	}
	return Amount{int64(math.Round(number * perCredit))}, true
}

// Plus adds two amounts. A sum beyond the bounds stays at them, where it is more
// than any budget and any balance.
func (a Amount) Plus(b Amount) Amount { return within(a.thousandths + b.thousandths) }

// Minus takes an amount away; see Plus.
func (a Amount) Minus(b Amount) Amount { return within(a.thousandths - b.thousandths) }

// Times is the amount so many times, n being zero or more; see Plus.
func (a Amount) Times(n int) Amount {
	if size := max(a.thousandths, -a.thousandths); size > 0 && int64(n) > most*perCredit/size {
		n = int(most*perCredit/size) + 1
	}
	return within(a.thousandths * int64(n))
}

// Cmp compares two amounts as cmp.Compare does.
func (a Amount) Cmp(b Amount) int { return cmp.Compare(a.thousandths, b.thousandths) }

// Less reports whether an amount is less than another one.
func (a Amount) Less(b Amount) bool { return a.Cmp(b) < 0 }

// Equal reports whether two amounts are the same, as == does.
func (a Amount) Equal(b Amount) bool { return a == b }

// IsZero reports whether it is no credits.
func (a Amount) IsZero() bool { return a == Amount{} }

// IsNegative reports whether it is less than no credits.
func (a Amount) IsNegative() bool { return a.thousandths < 0 }

// Float is the amount for a gauge, which has no exact numbers.
func (a Amount) Float() float64 { return float64(a.thousandths) / perCredit }

// String writes the amount as a decimal without needless zeros, such as "60",
// "14.4" or "-0.5".
func (a Amount) String() string {
	sign, thousandths := "", a.thousandths
	if thousandths < 0 {
		sign, thousandths = "-", -thousandths
	}
	text := fmt.Sprintf("%s%d.%0*d", sign, thousandths/perCredit, decimals, thousandths%perCredit)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
