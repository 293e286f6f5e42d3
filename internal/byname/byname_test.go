// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package byname_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/internal/byname"
)

func TestAValueIsOfOneObject(t *testing.T) {
	var m byname.Map[string]
	film, other := types.NamespacedName{Namespace: "films", Name: "a"}, types.NamespacedName{Namespace: "films", Name: "b"}
	want := func(reason string, name types.NamespacedName, uid types.UID, want string) {
		t.Helper()
		if got, ok := m.Get(name, uid); got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t, want %q", reason, got, ok, want)
		}
	}
	fresh := func(value string) func() string { return func() string { return value } }

	want("nothing is known", film, "1", "")
	if value, replaced := m.GetOr(film, "1", fresh("first")); value != "first" || replaced != "" {
		t.Errorf("the first value is %q, in place of %q", value, replaced)
	}
	if value, replaced := m.GetOr(film, "1", fresh("again")); value != "first" || replaced != "" {
		t.Errorf("what is known is %q, in place of %q", value, replaced)
	}
	want("it is known", film, "1", "first")
	want("another object of the name is not", film, "2", "")
	want("nor one of another name", other, "1", "")
	m.Set(film, "1", "changed")
	want("it was changed", film, "1", "changed")
	if value, replaced := m.GetOr(film, "2", fresh("second")); value != "second" || replaced != "1" {
		t.Errorf("the next value is %q, in place of %q", value, replaced)
	}
	want("the one before is forgotten", film, "1", "")
	m.Set(film, "3", "third")
	want("so it is if the next is set", film, "2", "")
	if uid := m.Delete(film); uid != "3" {
		t.Errorf("deleted is %q, want 3", uid)
	}
	want("it is deleted", film, "3", "")
	if uid := m.Delete(film); uid != "" {
		t.Errorf("deleted is %q, want nothing", uid)
	}
}
