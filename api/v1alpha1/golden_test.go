// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// The golden objects are what clusters have stored. A change of the API that does
// not read them back as they are is not one of the types alone: it needs a
// conversion, or another version.

// golden returns the golden objects of a kind, by file.
func golden(t *testing.T, kind string) map[string]*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", strings.ToLower(kind)+"*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no golden %s: %v", kind, err)
	}
	all := map[string]*unstructured.Unstructured{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(text, &obj.Object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		obj.SetNamespace(metav1.NamespaceDefault)
		all[file] = obj
	}
	return all
}

// goldenKinds are the kinds there are.
var goldenKinds = map[string]struct {
	resource schema.GroupVersionResource
	// typed returns an empty object of the Go type.
	typed func() any
}{
	"VideoGeneration": {videoGenerations, func() any { return &v1alpha1.VideoGeneration{} }},
	"KieAccount":      {kieAccounts, func() any { return &v1alpha1.KieAccount{} }},
}

// specAndStatus are the parts of an object that this project defines, without the
// types that a decoder makes of numbers.
func specAndStatus(t *testing.T, object map[string]any) (parts map[string]any) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"spec": object["spec"], "status": object["status"]})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &parts); err != nil {
		t.Fatal(err)
	}
	return parts
}

// What is stored is read by the API server, and by the Go types, as it is.
func TestGoldenObjectsAreReadBack(t *testing.T) {
	for kind, k := range goldenKinds {
		for file, want := range golden(t, kind) {
			t.Run(filepath.Base(file), func(t *testing.T) {
				text, err := json.Marshal(want.Object)
				if err != nil {
					t.Fatal(err)
				}
				typed := k.typed()
				if err := yaml.UnmarshalStrict(text, typed); err != nil {
					t.Fatalf("the Go type does not read it: %v", err)
				}
				again, err := json.Marshal(typed)
				if err != nil {
					t.Fatal(err)
				}
				var back map[string]any
				if err := json.Unmarshal(again, &back); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(specAndStatus(t, want.Object), specAndStatus(t, back)); diff != "" {
					t.Errorf("what the Go type makes of it (-golden +read):\n%s", diff)
				}

				resource := server(t).Resource(k.resource).Namespace(metav1.NamespaceDefault)
				strict := metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
				created, err := resource.Create(t.Context(), want.DeepCopy(), strict)
				if err != nil {
					t.Fatalf("the API server does not take it: %v", err)
				}
				created.Object["status"] = want.DeepCopy().Object["status"]
				if _, err := resource.UpdateStatus(t.Context(), created, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict}); err != nil {
					t.Fatalf("the API server does not take its status: %v", err)
				}
				stored, err := resource.Get(t.Context(), want.GetName(), metav1.GetOptions{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(specAndStatus(t, want.Object), specAndStatus(t, stored.Object)); diff != "" {
					t.Errorf("what the API server stores of it (-golden +stored):\n%s", diff)
				}
			})
		}
	}
}

// A new field gets into a golden object, too.
func TestGoldenObjectsHaveEveryField(t *testing.T) {
	for kind, k := range goldenKinds {
		has := map[string]bool{}
		for _, object := range golden(t, kind) {
			collectPaths(object.Object, "", has)
		}
		structure := reflect.TypeOf(k.typed()).Elem()
		for _, part := range []string{"Spec", "Status"} {
			field, _ := structure.FieldByName(part)
			for _, path := range fieldPaths(field.Type, "."+strings.ToLower(part)) {
				if !has[path] {
					t.Errorf("no golden %s has %s", kind, path)
				}
			}
		}
	}
}

// collectPaths notes the path of each field there is, with lists as if they had
// one member.
func collectPaths(value any, path string, has map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			has[path+"."+name] = true
			collectPaths(member, path+"."+name, has)
		}
	case []any:
		for _, member := range value {
			collectPaths(member, path, has)
		}
	}
}

// fieldPaths lists the fields of a type of this project, those of others as one.
func fieldPaths(structure reflect.Type, path string) (paths []string) {
	for structure.Kind() == reflect.Pointer || structure.Kind() == reflect.Slice {
		structure = structure.Elem()
	}
	if structure.Kind() != reflect.Struct || structure.PkgPath() != reflect.TypeFor[v1alpha1.VideoGeneration]().PkgPath() {
		return nil
	}
	for i := range structure.NumField() {
		field := structure.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		paths = append(paths, path+"."+name)
		paths = append(paths, fieldPaths(field.Type, path+"."+name)...)
	}
	return paths
}
