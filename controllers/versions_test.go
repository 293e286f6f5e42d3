// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"maps"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// versions are the resourceVersions of what was written to the API server, so
// that a test knows what a cache has to show without asking again and again.
type versions struct {
	mu sync.Mutex
	of map[string]string
}

func (v *versions) all() map[string]string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return maps.Clone(v.of)
}

// note keeps the latest version of an object: of two writes at the same time,
// the answer to the second may come first. Versions are numbers without leading
// zeros, of which the longer one is the larger one.
func (v *versions) note(obj client.Object) {
	key, version := keyOf(obj), obj.GetResourceVersion()
	v.mu.Lock()
	defer v.mu.Unlock()
	if last := v.of[key]; key != "" && (len(version) > len(last) || (len(version) == len(last) && version > last)) {
		v.of[key] = version
	}
}

func (v *versions) forget(obj client.Object) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.of, keyOf(obj))
}

// keyOf names the objects that caches are compared by.
func keyOf(obj client.Object) string {
	switch obj.(type) {
	case *v1alpha1.VideoGeneration:
		return "vg/" + obj.GetName()
	case *v1alpha1.KieAccount:
		return "ka/" + obj.GetName()
	default:
		return ""
	}
}

// watch returns a client whose writes are noted.
func (v *versions) watch(c client.WithWatch) client.WithWatch {
	noted := func(obj client.Object, err error) error {
		switch {
		case err != nil:
		case !obj.GetDeletionTimestamp().IsZero() && len(obj.GetFinalizers()) == 0:
			v.forget(obj) // this was what it had waited for
		default:
			v.note(obj)
		}
		return err
	}
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return noted(obj, c.Create(ctx, obj, opts...))
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return noted(obj, c.Update(ctx, obj, opts...))
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return noted(obj, c.Patch(ctx, obj, patch, opts...))
		},
		SubResourceUpdate: func(ctx context.Context, c client.Client, sub string, obj client.Object, opts ...client.SubResourceUpdateOption) error {
			return noted(obj, c.SubResource(sub).Update(ctx, obj, opts...))
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return noted(obj, c.SubResource(sub).Patch(ctx, obj, patch, opts...))
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			if err := c.Delete(ctx, obj, opts...); err != nil {
				return err
			}
			v.forget(obj)
			left := obj.DeepCopyObject().(client.Object)
			if err := c.Get(ctx, client.ObjectKeyFromObject(obj), left); err == nil && left.GetUID() == obj.GetUID() {
				v.note(left) // a finalizer holds it
			}
			return nil
		},
	})
}
