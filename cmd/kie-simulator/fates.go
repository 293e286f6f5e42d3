// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
)

// fateFlag is a flag that gives every task a fate. It implements flag.Value.
type fateFlag struct {
	key    string
	faults *kiesim.Faults
	// bare allows the flag without a value.
	bare bool
	// given is what was set, for printing.
	given []string
}

// Set applies one value. A flag without a value is "true" to the flag package.
func (f *fateFlag) Set(value string) error {
	if f.bare && value == "true" {
		value = ""
	}
	if err := f.faults.Set(f.key, value); err != nil {
		return err
	}
	f.given = append(f.given, value)
	return nil
}

func (f *fateFlag) String() string { return strings.Join(f.given, ",") }

// IsBoolFlag tells the flag package that the value may be left out.
func (f *fateFlag) IsBoolFlag() bool { return f.bare }

// takesNoValue reports whether a key can stand alone.
func takesNoValue(key string) bool {
	for _, fate := range kiesim.Fates() {
		if fate.Key == key && fate.Value == "" {
			return true
		}
	}
	return false
}
