// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"testing"

	"github.com/kie-operator/kie-operator/internal/fixture"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// A message is the same for all attempts to ask, or each would be a write.
func TestMessagesOfRefusalsAreStable(t *testing.T) {
	for class := range RefusalAdvice {
		if a, b := WaitingFor(class, fixture.Account), WaitingFor(class, fixture.Account); a != b || a.Reason != string(class) || a.RetryAfter != 0 {
			t.Errorf("%s: waiting is %+v, and then %+v", class, a, b)
		}
	}
	for _, class := range []kie.Class{"", "Unheard", kie.Invalid} {
		if got, want := WaitingFor(class, fixture.Account), WaitingFor(kie.Unavailable, fixture.Account); got != want {
			t.Errorf("%q: waiting is %+v, want %+v", class, got, want)
		}
	}
}
