// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

const (
	storedURL = "http://kie/v/1.mp4"
	storedURI = "s3://films/chaos/chaos-0/video-1/uid-1/720p.mp4"
)

// storedOne is a video that has succeeded and is stored.
func storedOne(policy v1alpha1.DeletionPolicy) (*v1alpha1.VideoGeneration, evidence) {
	v, vg, e := one(plain)
	v.sort, v.policy = inBucket, policy
	e.videos = []video{v}
	vg.Status.Storage = &v1alpha1.StorageProgress{State: v1alpha1.StorageStored}
	vg.Status.Conditions = append(vg.Status.Conditions, metav1.Condition{Type: v1alpha1.ConditionStored, Status: metav1.ConditionTrue})
	vg.Status.Videos = []v1alpha1.Video{{URL: storedURL, Artifact: &v1alpha1.Artifact{URI: storedURI, SHA256: "sum"}}}
	vg.Status.Account = v1alpha1.AccountIdentity{Namespace: "system", Name: "account-3", UID: "account-uid-3"}
	e.storing = map[types.NamespacedName]bool{vg.Status.Account.Key(): true}
	e.files, e.stored = map[string]string{storedURL: "sum"}, map[string]string{storedURI: "sum"}
	return vg, e
}

// remove makes the resource one that was deleted.
func remove(vg *v1alpha1.VideoGeneration, e *evidence) {
	name := types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name}
	delete(e.resources, name)
	e.gone[name] = true
	e.departed = map[types.UID]*v1alpha1.VideoGeneration{vg.UID: vg}
}

func TestFilesAreStoredAsTheyShouldBe(t *testing.T) {
	const retain, sweep = v1alpha1.DeletionRetain, v1alpha1.DeletionDelete
	for _, tt := range []struct {
		name   string
		policy v1alpha1.DeletionPolicy
		change func(vg *v1alpha1.VideoGeneration, e *evidence)
		wrong  int
		// safe and swept are how many are counted as right.
		safe, swept int
	}{
		{"stored", retain, func(*v1alpha1.VideoGeneration, *evidence) {}, 0, 1, 0},
		{"succeeded and not stored", retain, func(vg *v1alpha1.VideoGeneration, e *evidence) {
			vg.Status.Videos[0].Artifact, e.stored = nil, nil
		}, 1, 0, 0},
		{"succeeded and not said to be stored", retain, func(vg *v1alpha1.VideoGeneration, _ *evidence) {
			setReady(vg, metav1.ConditionTrue, v1alpha1.ReasonSucceeded)
		}, 1, 1, 0},
		{"bought on an account that stores nothing", retain, func(vg *v1alpha1.VideoGeneration, e *evidence) {
			vg.Status.Account.Name = "account-4"
			vg.Status.Videos[0].Artifact, e.stored = nil, nil
		}, 0, 0, 0},
		{"the original is not stored", retain, func(vg *v1alpha1.VideoGeneration, _ *evidence) {
			vg.Status.Videos[0].OriginURL = "http://kie/o/1.mp4"
		}, 1, 1, 0},
		{"not in the bucket", retain, func(_ *v1alpha1.VideoGeneration, e *evidence) { e.stored = nil }, 1, 0, 0},
		{"another file is in the bucket", retain, func(_ *v1alpha1.VideoGeneration, e *evidence) { e.stored[storedURI] = "other" }, 1, 0, 0},
		{"the status has another sum", retain, func(vg *v1alpha1.VideoGeneration, _ *evidence) {
			vg.Status.Videos[0].Artifact.SHA256 = "other"
		}, 1, 0, 0},
		{"KIE.AI has another file", retain, func(_ *v1alpha1.VideoGeneration, e *evidence) { e.files[storedURL] = "other" }, 1, 0, 0},
		{"deleted, and retained", retain, remove, 0, 1, 0},
		{"deleted, and gone all the same", retain, func(vg *v1alpha1.VideoGeneration, e *evidence) {
			remove(vg, e)
			e.stored = nil
		}, 1, 0, 0},
		{"deleted with its file", sweep, func(vg *v1alpha1.VideoGeneration, e *evidence) {
			remove(vg, e)
			e.stored = nil
		}, 0, 0, 1},
		{"deleted, and its file is left", sweep, remove, 1, 0, 0},
		{"deleted, and half of a file is left", sweep, func(vg *v1alpha1.VideoGeneration, e *evidence) {
			remove(vg, e)
			vg.Status.Videos, vg.Status.Storage = nil, nil
			e.stored = map[string]string{storedURI + ".1a2b.tmp": "half"}
		}, 1, 0, 0},
		{"a file of nobody", retain, func(_ *v1alpha1.VideoGeneration, e *evidence) {
			e.stored["s3://films/chaos/chaos-0/video-2/uid-2/720p.mp4"] = "sum"
		}, 1, 1, 0},
		{"a file that is nowhere", retain, func(_ *v1alpha1.VideoGeneration, e *evidence) { e.stored["s3://films/720p.mp4"] = "sum" }, 1, 1, 0},
	} {
		vg, e := storedOne(tt.policy)
		tt.change(vg, &e)
		e.keepBooks()
		f := judge(e)
		if len(f.files) != tt.wrong || f.safe != tt.safe || f.swept != tt.swept {
			t.Errorf("%s: wrong are %q, %d safe, %d swept; want %d, %d and %d", tt.name, f.files, f.safe, f.swept, tt.wrong, tt.safe, tt.swept)
		}
		if len(f.lost)+len(f.wrong)+len(f.vanished) > 0 {
			t.Errorf("%s: besides %+v", tt.name, f)
		}
	}
}
