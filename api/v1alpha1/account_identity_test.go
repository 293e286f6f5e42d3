// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

func TestAccountIdentity(t *testing.T) {
	of := func(namespace, name string, uid types.UID) *v1alpha1.KieAccount {
		return &v1alpha1.KieAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: uid}}
	}
	id := v1alpha1.IdentityOf(of("films", "default", "1"))
	if id.String() != "films/default" || id.Key() != (types.NamespacedName{Namespace: "films", Name: "default"}) || id.IsZero() {
		t.Errorf("%#v is %s, its key %v, and it is zero: %v", id, id, id.Key(), id.IsZero())
	}
	for _, tt := range []struct {
		reason string
		id     v1alpha1.AccountIdentity
		now    *v1alpha1.KieAccount
		want   bool
	}{
		{"it is the same", id, of("films", "default", "1"), false},
		{"it was created again", id, of("films", "default", "2"), true},
		{"it has another name", id, of("films", "other", "2"), false},
		{"it is in another namespace", id, of("songs", "default", "2"), false},
		{"nobody knows which it was", v1alpha1.AccountIdentity{Namespace: "films", Name: "default"}, of("films", "default", "2"), false},
		{"no account is meant", v1alpha1.AccountIdentity{}, of("films", "default", "2"), false},
	} {
		if got := tt.id.IsReplacedBy(tt.now); got != tt.want {
			t.Errorf("%s: IsReplacedBy is %v, want %v", tt.reason, got, tt.want)
		}
	}
}
