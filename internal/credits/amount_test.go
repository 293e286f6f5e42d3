// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credits

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		reason, text string
		want         int64 // thousandths
	}{
		{"whole", "60", 60_000},
		{"one decimal", "14.4", 14_400},
		{"three decimals", "0.005", 5},
		{"zeros behind the point", "60.000", 60_000},
		{"zeros before it", "007.50", 7_500},
		{"somebody says that it is free", "0", 0},
		{"free, in full", "0.000", 0},
		{"as much as anybody has", "1000000000", 1e12},
	} {
		got, err := Parse(tt.text)
		if err != nil || got.thousandths != tt.want {
			t.Errorf("%s: %q is %d thousandths (%v), want %d", tt.reason, tt.text, got.thousandths, err, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for reason, text := range map[string]string{
		"nothing":                        "",
		"a word":                         "n/a",
		"a space before it":              " 60",
		"a line break behind it":         "60\n",
		"a unit":                         "60 credits",
		"negative":                       "-60",
		"negative zero":                  "-0",
		"a sign":                         "+60",
		"only a point":                   ".",
		"nothing before the point":       ".5",
		"nothing behind the point":       "5.",
		"two points":                     "1.2.3",
		"four decimals":                  "0.0001",
		"four decimals that are zeros":   "60.0000",
		"a comma":                        "14,4",
		"thousands are separated":        "1,000",
		"digits are grouped":             "1_000",
		"scientific":                     "6e1",
		"hexadecimal":                    "0x3c",
		"digits of another script":       "٦٠",
		"no number, by name":             "NaN",
		"more than anybody has":          "1000000001",
		"a thousandth too much":          "1000000000.001",
		"more than an int64 has":         "9223372036854775808",
		"as much as wraps an int64":      "18446744073709551676",
		"thousandths that wrap an int64": "18446744073709552",
	} {
		if got, err := Parse(text); err == nil || got != (Amount{}) {
			t.Errorf("%s: %q is %s, want an error", reason, text, got)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, tt := range []struct {
		of   int64
		n    int
		want int64
	}{{14_400, 3, 43_200}, {14_400, 0, 0}, {0, math.MaxInt, 0}, {1e12, 2, 1e12}, {1, math.MaxInt, 1e12}, {-1, math.MaxInt, -1e12}, {7, 1e11, 7e11}} {
		if got := (Amount{tt.of}).Times(tt.n); got.thousandths != tt.want {
			t.Errorf("%d times %d thousandths are %d, want %d", tt.n, tt.of, got.thousandths, tt.want)
		}
	}
}

func TestString(t *testing.T) {
	for thousandths, want := range map[int64]string{
		0: "0", 1: "0.001", 100: "0.1", 14_400: "14.4", 60_000: "60", 1_188_730: "1188.73", 600_000_000: "600000",
		-1: "-0.001", -500: "-0.5", -60_000: "-60", 1e12: "1000000000",
	} {
		if got := (Amount{thousandths}).String(); got != want {
			t.Errorf("%d thousandths are %q, want %q", thousandths, got, want)
		}
	}
}

func TestFromFloat(t *testing.T) {
	for _, tt := range []struct {
		reason string
		number float64
		want   int64 // thousandths
		none   bool
	}{
		{reason: "whole", number: 60, want: 60_000},
		{reason: "a fraction that no float has", number: 14.4, want: 14_400},
		{reason: "to the last bit", number: 1188.7300000000002, want: 1_188_730},
		{reason: "overdrawn", number: -0.5, want: -500},
		{reason: "next to nothing", number: 1e-300},
		{reason: "next to nothing, and negative", number: -1e-300},
		{reason: "as much as anybody has", number: 1e9, want: 1e12},
		{reason: "more than anybody has", number: 1e9 + 0.001, none: true},
		{reason: "deeper in debt than anybody is", number: -1e40, none: true},
		{reason: "not a number", number: math.NaN(), none: true},
		{reason: "infinite", number: math.Inf(1), none: true},
		{reason: "minus infinite", number: math.Inf(-1), none: true},
	} {
		if got, ok := FromFloat(tt.number); ok == tt.none || got.thousandths != tt.want {
			t.Errorf("%s: %v is %d thousandths (%t), want %d", tt.reason, tt.number, got.thousandths, ok, tt.want)
		}
	}
}

func TestSums(t *testing.T) {
	amount := func(text string) Amount {
		got, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	most := Of(math.MaxInt64)
	for _, tt := range []struct {
		reason    string
		got, want Amount
	}{
		{"decimals add up exactly", amount("0.1").Plus(amount("0.2")), amount("0.3")},
		{"and are taken away exactly", amount("14.4").Minus(amount("14.4")), Amount{}},
		{"below zero", amount("14.4").Minus(Of(15)), Amount{-600}},
		{"whole credits", Of(60), amount("60")},
		{"no more than there can be", most, amount("1000000000")},
		{"no less than there can be", Of(math.MinInt64), Amount{}.Minus(most)},
		{"a sum stays at the bound", most.Plus(most), most},
		{"a difference stays at the bound", Amount{}.Minus(most).Minus(most), Amount{}.Minus(most)},
	} {
		if tt.got != tt.want || !tt.got.Equal(tt.want) || tt.got.Cmp(tt.want) != 0 {
			t.Errorf("%s: got %s, want %s", tt.reason, tt.got, tt.want)
		}
	}
	if !Of(59).Less(Of(60)) || Of(60).Less(Of(60)) || Of(61).Less(Of(60)) {
		t.Error("amounts are not in order")
	}
	if !(Amount{}).IsZero() || (Amount{1}).IsZero() || !(Amount{-1}).IsNegative() || (Amount{}).IsNegative() {
		t.Error("no credits are taken for some")
	}
	if got := amount("14.4").Float(); got != 14.4 {
		t.Errorf("the gauge shows %v, want 14.4", got)
	}
}

// What is written is read back, and the number of JSON is the same amount.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Amount{rapid.Int64Range(0, most*perCredit).Draw(t, "thousandths")}
		if got, err := Parse(want.String()); err != nil || got != want {
			t.Fatalf("%s is read as %s (%v)", want, got, err)
		}
		if got, ok := FromFloat(want.Float()); !ok || got != want {
			t.Fatalf("%s is %v as a float, and that is %s", want, want.Float(), got)
		}
	})
}

// Whatever is in a status, it is read as what it says or not at all.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"60", "14.4", "0.001", "-1", "1e9", "00.50", "9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(got.String()); err != nil || again != got || got.IsNegative() {
			t.Errorf("%q is read as %s, and that as %s (%v)", text, got, again, err)
		}
	})
}
