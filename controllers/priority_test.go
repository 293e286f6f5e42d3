// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"testing"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// It stays first when it is looked at again.
func TestALookKeepsItsPriority(t *testing.T) {
	w := newWorld(t, worldOptions{})
	vg := w.create("video")
	w.pass(0)
	w.sync()
	result, err := w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
	if err != nil || result.Priority == nil || *result.Priority != 10 || result.RequeueAfter <= 0 {
		t.Errorf("the look at a running task ends with %+v, %v", result, err)
	}
	w.run(time.Hour)
	w.sync()
	result, err = w.proc.videos.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(vg)})
	if err != nil || result.Priority == nil || *result.Priority != 0 {
		t.Errorf("the look at a finished task ends with %+v, %v", result, err)
	}
}
