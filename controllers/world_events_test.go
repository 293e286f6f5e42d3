// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"slices"
	"strings"
)

// wantEvent asserts that there was an Event of the type and reason, as in
// "Warning StatusNotWritten", with some text in it.
func (w *world) wantEvent(what, text string) {
	w.t.Helper()
	if !slices.ContainsFunc(w.events, func(e string) bool { return strings.HasPrefix(e, what+" ") && strings.Contains(e, text) }) {
		w.t.Errorf("there is no Event %q with %q in %q", what, text, w.events)
	}
}
