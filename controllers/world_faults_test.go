// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// operatorUser is the name under which the operator writes, so that a policy can
// tell it from the people.
const operatorUser = "kie-operator"

// operatorClient is the way to the API server of the operator, the same for all worlds.
var operatorClient = sync.OnceValues(func() (client.WithWatch, error) {
	config, err := controlPlane.Config()
	if err != nil {
		return nil, err
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: operatorUser, Groups: []string{"system:masters"}}
	return client.NewWithWatch(config, client.Options{Scheme: testenv.Scheme()})
})

// target is what a write is to.
type target string

const (
	toMain     target = "main"
	toStatus   target = "status"
	toDeletion target = "deletion"
)

// write is one write of the controller to a VideoGeneration.
type write struct {
	number int
	to     target
	// ctx is that of the writer, which the end of the process may have ended.
	ctx context.Context
	do  func() error
}

// faultyClient stands between the operator and the API server.
type faultyClient struct {
	// controller reads from the cache, receiver is the callback server's.
	controller, receiver client.Client
	// onWrite decides about each write of the controller, onReceive about each of the callback server. do makes the write.
	onWrite, onReceive func(number int, do func() error) error
	// onEffect is onWrite for those who have to know what is written. Only one of them is asked, this one first.
	onEffect         func(write) error
	writes, receives atomic.Int64
	// onMain refuses writes of the controller to resources themselves, and not to their status, where it returns an error.
	onMain func() error
	// most is how many writes there may be; zero for any number.
	most int64
	mu   sync.Mutex
	// made is what each write was to.
	made []target
	// patch is what the controller is writing to a status.
	patch atomic.Pointer[client.Patch]
}

func newFaultyClient(w *world) *faultyClient {
	f := &faultyClient{}
	f.controller = f.wrap(w, func(ctx context.Context, to target, do func() error) error {
		if w.dead.Load() {
			panic(errCrash)
		}
		n := int(f.writes.Add(1))
		f.mu.Lock()
		f.made = append(f.made, to)
		f.mu.Unlock()
		switch {
		case f.onEffect != nil:
			return f.onEffect(write{number: n, to: to, ctx: ctx, do: do})
		case f.onWrite != nil:
			return f.onWrite(n, do)
		default:
			return do()
		}
	})
	f.receiver = f.wrap(w, func(_ context.Context, _ target, do func() error) error {
		n := int(f.receives.Add(1))
		if f.onReceive != nil {
			return f.onReceive(n, do)
		}
		return do()
	})
	return f
}

// targets lists what the writes after the first so many were to.
func (f *faultyClient) targets(after int) []target {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]target(nil), f.made[after:]...)
}

func (f *faultyClient) wrap(w *world, write func(ctx context.Context, to target, do func() error) error) client.Client {
	return interceptor.NewClient(w.operator, interceptor.Funcs{
		Get: func(ctx context.Context, _ client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if vg, ok := obj.(*v1alpha1.VideoGeneration); ok && w.staleGets > 0 {
				w.staleGets--
				if old := w.written.before(key.Name, w.behind); old != nil {
					old.DeepCopyInto(vg)
					w.proc.observed[keyOf(vg)] = old.DeepCopy() // what the handlers are told of comes after that
					return nil
				}
			}
			return w.cache.Get(ctx, key, obj, opts...)
		},
		List: func(ctx context.Context, _ client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return w.cache.List(ctx, list, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return write(ctx, toMain, func() error {
				if f.onMain != nil {
					if err := f.onMain(); err != nil {
						return err
					}
				}
				return c.Patch(ctx, obj, patch, opts...)
			})
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return write(ctx, toDeletion, func() error { return c.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			if _, account := obj.(*v1alpha1.KieAccount); account {
				return c.SubResource(sub).Patch(ctx, obj, patch, opts...)
			}
			f.patch.Store(&patch)
			return write(ctx, toStatus, func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
	})
}
