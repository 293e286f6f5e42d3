// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Fate is one row of the table of fates: a key, one form of its value, and what
// it does to a task.
type Fate struct {
	// Key is the name, as in [sim:KEY] or [sim:KEY=VALUE].
	Key string
	// Value is the text to write, where DURATION stands for a Go duration, and CODE,
	// BYTES and NUMBER for numbers. What is in brackets may be left out. Empty means that
	// the key stands alone.
	Value string
	// Help says what happens, in a few words.
	Help string

	// set changes the faults. The text is what stands in the place of the first
	// placeholder of Value and after; it is empty for a Value without one.
	set func(faults *Faults, text string) error
}

// String returns the fate as it is written in a marker.
func (f Fate) String() string {
	if f.Value == "" {
		return f.Key
	}
	return f.Key + "=" + f.Value
}

// Fates returns every fate there is, in the order of a task's life.
func Fates() []Fate {
	return slices.Clone(fates)
}

// Set applies one fate. The value is empty for a key that stands alone. The error
// names the key or lists the values that it takes.
func (f *Faults) Set(key, value string) error {
	var forms []string
	for _, fate := range fates {
		if fate.Key != key {
			continue
		}
		forms = append(forms, fate.Value)
		literal, hasPlaceholder := fate.literal()
		if !hasPlaceholder && value == literal {
			return fate.set(f, "")
		}
		if text, ok := strings.CutPrefix(value, literal); hasPlaceholder && ok && (text != "" || strings.HasSuffix(fate.Value, literal+placeholderSpan)) {
			return fate.set(f, text)
		}
	}
	switch {
	case forms == nil:
		return fmt.Errorf("fate %q does not exist", key)
	case slices.Equal(forms, []string{""}):
		return fmt.Errorf("fate %q takes no value", key)
	default:
		return fmt.Errorf("fate %q does not take %q: use %s", key, value, strings.Join(forms, " or "))
	}
}

// literal returns the part of Value before its first placeholder, and whether
// there is one.
func (f Fate) literal() (string, bool) {
	for _, placeholder := range []string{placeholderCode, placeholderSpan, placeholderDuration, placeholderBytes, placeholderNumber} {
		if before, _, found := strings.Cut(f.Value, placeholder); found {
			return before, true
		}
	}
	return f.Value, false
}

// apply applies the markers that a prompt contains. The error names the first
// marker that is wrong, so that a typo is seen and not ignored.
func (f *Faults) apply(prompt string) error {
	const open, end = "[sim:", "]"
	for {
		_, rest, found := strings.Cut(prompt, open)
		if !found {
			return nil
		}
		marker, after, closed := strings.Cut(rest, end)
		if !closed {
			return fmt.Errorf("the prompt has a marker %s%s without its closing bracket", open, firstWord(marker))
		}
		key, value, _ := strings.Cut(marker, "=")
		if err := f.Set(key, value); err != nil {
			return fmt.Errorf("the prompt has the marker %s%s%s: %w", open, marker, end, err)
		}
		prompt = after
	}
}

// firstWord returns the text up to its first space.
func firstWord(text string) string {
	if end := strings.IndexFunc(text, unicode.IsSpace); end >= 0 {
		return text[:end]
	}
	return text
}

// parseDuration reads a positive Go duration.
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration such as 30s or 2m", text)
	}
	return d, nil
}
