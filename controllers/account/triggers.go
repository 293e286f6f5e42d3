// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package account

import (
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/event"
)

// Triggers carries accounts that are to be looked at now. It never blocks: one
// that is not taken is looked at on schedule.
type Triggers chan event.TypedGenericEvent[types.NamespacedName]

// NewTriggers returns room for a burst of them.
func NewTriggers() Triggers { return make(Triggers, 64) }

// Trigger asks for a look at the account.
func (p Triggers) Trigger(account types.NamespacedName) {
	select {
	case p <- event.TypedGenericEvent[types.NamespacedName]{Object: account}:
	default:
	}
}
