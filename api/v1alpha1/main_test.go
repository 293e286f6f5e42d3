// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// controlPlane has the API server with the CRDs. The tests talk to it, because it
// is what users meet.
var controlPlane testenv.Shared

// server returns a client that knows nothing of the types.
func server(t *testing.T) dynamic.Interface {
	t.Helper()
	client, err := dynamic.NewForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := controlPlane.Config()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

var (
	videoGenerations = v1alpha1.GroupVersion.WithResource("videogenerations")
	kieAccounts      = v1alpha1.GroupVersion.WithResource("kieaccounts")
)

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	defer func() { err = errors.Join(err, controlPlane.Stop()) }()
	return m.Run(), nil
}

// video returns a VideoGeneration with this spec, in YAML.
func video(name, spec string) *unstructured.Unstructured {
	return object("VideoGeneration", name, spec)
}

// account returns a KieAccount with this spec, in YAML.
func account(name, spec string) *unstructured.Unstructured {
	return object("KieAccount", name, spec)
}

// object returns a resource as it comes out of a file: it has what the YAML
// says and no defaults.
func object(kind, name, spec string) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{Object: fields(spec)}
	if obj.Object == nil {
		obj.Object = map[string]any{}
	}
	obj.Object = map[string]any{"spec": obj.Object}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	obj.SetName(name)
	obj.SetNamespace(metav1.NamespaceDefault)
	return obj
}

// fields reads YAML.
func fields(text string) map[string]any {
	var content map[string]any
	err := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096).Decode(&content)
	if err != nil && !errors.Is(err, io.EOF) {
		panic(fmt.Sprintf("a test has bad YAML: %v\n%s", err, text))
	}
	return content
}

// cause is one thing that is wrong with a resource, as the API server says it.
type cause struct {
	field   string
	message string
}

// unchecked comes with every error that keeps the server from evaluating the
// rules in CEL.
var unchecked = cause{"", "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"}

// checkRefused checks that the server refused a resource for these causes, all
// of them and no others. Each message is a part of the whole one.
func checkRefused(t *testing.T, err error, want ...cause) {
	t.Helper()
	if err == nil {
		t.Fatalf("it was accepted, want it refused for %q", want)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !apierrors.IsInvalid(err) {
		t.Fatalf("err = %v, want Invalid", err)
	}
	got := status.Status().Details.Causes
	missing := append([]cause(nil), want...)
	var surplus []cause
next:
	for _, g := range got {
		for i, w := range missing {
			if fieldOf(g) == w.field && strings.Contains(g.Message, w.message) {
				missing = append(missing[:i], missing[i+1:]...)
				continue next
			}
		}
		surplus = append(surplus, cause{fieldOf(g), g.Message})
	}
	for _, w := range missing {
		t.Errorf("no cause at %q says %q", w.field, w.message)
	}
	for _, s := range surplus {
		t.Errorf("unexpected cause at %q: %s", s.field, s.message)
	}
}

// fieldOf returns the path that a cause is about. The API server writes <nil>
// for none.
func fieldOf(c metav1.StatusCause) string {
	return strings.TrimPrefix(c.Field, "<nil>")
}
