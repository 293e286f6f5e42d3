// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// judgeFiles compares what is stored with what KIE.AI has made. All videos of
// accounts with storage have to be stored as they are at KIE.AI, and those of a
// deleted resource have to be there or gone, as its deletionPolicy says.
func (f *findings) judgeFiles(e evidence) {
	videos := map[types.NamespacedName]video{}
	for _, v := range e.videos {
		videos[v.name] = v
		if vg := e.resources[v.name]; vg != nil && e.storing[vg.Status.Account.Key()] && hasSucceeded(vg) {
			f.judgeStored(v, vg, e)
		}
	}
	of := map[types.UID][]string{}
	for uri := range e.stored {
		uid, ok := ownerOf(uri)
		if !ok {
			f.files = append(f.files, uri+" is of no resource")
			continue
		}
		of[uid] = append(of[uid], uri)
	}
	for uid, vg := range e.departed {
		name := types.NamespacedName{Namespace: vg.Namespace, Name: vg.Name}
		v := videos[name]
		switch v.policy {
		case v1alpha1.DeletionDelete:
			f.judgeSwept(v, vg, of[uid])
		case v1alpha1.DeletionRetain:
			f.judgeArtifacts(v, vg, e)
		}
	}
	known := map[types.UID]bool{}
	for _, vg := range e.resources {
		known[vg.UID] = true
	}
	for uid, uris := range of {
		if !known[uid] && e.departed[uid] == nil {
			f.files = append(f.files, fmt.Sprintf("%v are of a resource that nobody has seen", uris))
		}
	}
	slices.Sort(f.files)
}

// judgeStored checks that each video of a resource is stored, and that Stored says so.
func (f *findings) judgeStored(v video, vg *v1alpha1.VideoGeneration, e evidence) {
	if !meta.IsStatusConditionTrue(vg.Status.Conditions, v1alpha1.ConditionStored) {
		f.files = append(f.files, fmt.Sprintf("%s has succeeded, and Stored is not True", v))
	}
	for _, made := range vg.Status.Videos {
		if made.Artifact == nil || (made.OriginURL != "" && made.OriginURL != made.URL && made.OriginArtifact == nil) {
			f.files = append(f.files, fmt.Sprintf("%s: %s is not stored, and it has succeeded", v, made.URL))
		}
	}
	f.judgeArtifacts(v, vg, e)
}

// judgeArtifacts checks that what is stored according to the status is there, and is
// what KIE.AI serves.
func (f *findings) judgeArtifacts(v video, vg *v1alpha1.VideoGeneration, e evidence) {
	for _, made := range vg.Status.Videos {
		f.judgeArtifact(v, made.URL, made.Artifact, e)
		f.judgeArtifact(v, made.OriginURL, made.OriginArtifact, e)
	}
}

func (f *findings) judgeArtifact(v video, url string, stored *v1alpha1.Artifact, e evidence) {
	if stored == nil {
		return
	}
	switch sum, there := e.stored[stored.URI]; {
	case !there:
		f.files = append(f.files, fmt.Sprintf("%s: %s is not there, and its status says that it is", v, stored.URI))
	case sum != e.files[url], stored.SHA256 != sum:
		f.files = append(f.files, fmt.Sprintf("%s: %s has the SHA-256 %s, its status says %s, and KIE.AI has %s", v, stored.URI, sum, stored.SHA256, e.files[url]))
	default:
		f.safe++
	}
}

// judgeSwept checks that nothing is left of a deleted resource.
func (f *findings) judgeSwept(v video, vg *v1alpha1.VideoGeneration, left []string) {
	if len(left) > 0 {
		f.files = append(f.files, fmt.Sprintf("%s was deleted with policy Delete, and %v are left", v, left))
		return
	}
	if vg.Status.Storage != nil {
		f.swept++
	}
}

// ownerOf reads the UID of the resource from the URI of a video:
// .../PREFIX/NAMESPACE/NAME/UID/FILE.
func ownerOf(uri string) (types.UID, bool) {
	parts := strings.Split(uri, "/")
	if len(parts) < 6 || parts[len(parts)-5] != prefix {
		return "", false
	}
	return types.UID(parts[len(parts)-2]), true
}
