// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

func TestNamesForKubectl(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]metav1.APIResource{}
	for _, resource := range list.APIResources {
		got[resource.Name] = resource
	}
	for _, want := range []metav1.APIResource{
		{Name: "videogenerations", SingularName: "videogeneration", Kind: "VideoGeneration", ShortNames: []string{"vg", "videogen"}},
		{Name: "kieaccounts", SingularName: "kieaccount", Kind: "KieAccount", ShortNames: []string{"ka"}},
	} {
		t.Run(want.Name, func(t *testing.T) {
			got, ok := got[want.Name]
			if !ok {
				t.Fatalf("the server has no %s", want.Name)
			}
			if got.Kind != want.Kind || got.SingularName != want.SingularName || !got.Namespaced {
				t.Errorf("got %s, %s, namespaced %v, want %s, %s, true", got.Kind, got.SingularName, got.Namespaced, want.Kind, want.SingularName)
			}
			if !slices.Equal(got.ShortNames, want.ShortNames) {
				t.Errorf("short names = %v, want %v", got.ShortNames, want.ShortNames)
			}
			if !slices.Equal(got.Categories, []string{"kie"}) {
				t.Errorf("categories = %v, want kie, so that kubectl get kie lists it", got.Categories)
			}
		})
		t.Run(want.Name+"/status", func(t *testing.T) {
			if _, ok := got[want.Name+"/status"]; !ok {
				t.Error("there is no status subresource")
			}
		})
	}
}

// TestColumns asks for what kubectl get and kubectl get -o wide print.
func TestColumns(t *testing.T) {
	if err := create(t, videoGenerations, video("columns", `{prompt: fog, model: veo3}`)); err != nil {
		t.Fatal(err)
	}
	checkColumns(t, "videogenerations", `{status: {
			conditions: [{type: Ready, status: "True", reason: Succeeded, message: "", lastTransitionTime: "2026-11-23T12:00:00Z"}],
			estimatedCredits: "250",
			task: {attempt: a1, number: 1, submittedAt: "2026-11-23T12:00:00Z", state: Succeeded, id: 5a1f0c3e},
			videos: [{url: "https://example.com/v.mp4", resolution: 720p, artifact: {
				uri: "s3://films/a/720p.mp4", sizeBytes: 3, sha256: `+strings.Repeat("a", 64)+`, contentType: video/mp4, storedAt: "2026-11-23T12:00:00Z"}}]}}`,
		[]column{
			{"Name", "columns", false},
			{"Ready", "True", false},
			{"Status", "Succeeded", false},
			{"Model", "veo3", false},
			{"Resolution", "720p", false},
			{"Age", nil, false},
			{"Credits", "250", true},
			{"Task", "5a1f0c3e", true},
			{"Artifact", "s3://films/a/720p.mp4", true},
			{"Video", "https://example.com/v.mp4", true},
		})

	if err := create(t, kieAccounts, account("columns", `{credentialsSecretRef: {name: keys}, budget: {credits: "62.5"}}`)); err != nil {
		t.Fatal(err)
	}
	checkColumns(t, "kieaccounts", `{status: {
			conditions: [
				{type: Ready, status: "True", reason: Available, message: "", lastTransitionTime: "2026-11-23T12:00:00Z"},
				{type: CallbacksEnabled, status: "True", reason: Signed, message: "", lastTransitionTime: "2026-11-23T12:00:00Z"}],
			credits: "1188.73", creditsSpent: "860", inFlight: 12, queued: 40}}`,
		[]column{
			{"Name", "columns", false},
			{"Ready", "True", false},
			{"Status", "Available", false},
			{"Credits", "1188.73", false},
			{"Spent", "860", false},
			{"In flight", float64(12), false},
			{"Queued", float64(40), false},
			{"Age", nil, false},
			{"Budget", "62.5", true},
			{"Callbacks", "Signed", true},
		})
}

// column is one column of a table: its name, what it shows, and whether it takes -o wide to see it.
type column struct {
	name string
	// cell is nil for what is different each time.
	cell any
	wide bool
}

// checkColumns writes the status of the resource named columns and compares the
// table that the server makes of it.
func checkColumns(t *testing.T, resource, status string, want []column) {
	t.Helper()
	patch, err := json.Marshal(fields(status))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server(t).Resource(v1alpha1.GroupVersion.WithResource(resource)).Namespace(metav1.NamespaceDefault).
		Patch(t.Context(), "columns", types.MergePatchType, patch, metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict}, "status"); err != nil {
		t.Fatal(err)
	}

	client, err := discovery.NewDiscoveryClientForConfig(config(t))
	if err != nil {
		t.Fatal(err)
	}
	body, err := client.RESTClient().Get().
		AbsPath("apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "namespaces", metav1.NamespaceDefault, resource, "columns").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		Do(t.Context()).Raw()
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(body, &table); err != nil {
		t.Fatal(err)
	}
	if len(table.Rows) != 1 {
		t.Fatalf("%s has %d rows, want 1", resource, len(table.Rows))
	}
	var got []column
	for i, definition := range table.ColumnDefinitions {
		got = append(got, column{definition.Name, table.Rows[0].Cells[i], definition.Priority > 0})
	}
	if len(got) != len(want) {
		t.Fatalf("%s has the columns %v, want %v", resource, got, want)
	}
	for i := range want {
		if want[i].cell == nil {
			got[i].cell = nil
		}
		if got[i] != want[i] {
			t.Errorf("column %d of %s is %v, want %v", i, resource, got[i], want[i])
		}
	}
}

// kubectl explain is documentation, so every field says what it is.
func TestEveryFieldIsDescribed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testenv.Root(), "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) != 2 {
		t.Fatalf("files = %v, %v, want those of 2 CRDs", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := unstructured.Unstructured{Object: fields(string(content))}
		t.Run(crd.GetName(), func(t *testing.T) {
			versions, _, err := unstructured.NestedSlice(crd.Object, "spec", "versions")
			if err != nil || len(versions) != 1 {
				t.Fatalf("versions = %v, %v, want 1", versions, err)
			}
			schema, _, err := unstructured.NestedMap(versions[0].(map[string]any), "schema", "openAPIV3Schema")
			if err != nil {
				t.Fatal(err)
			}
			if described := checkDescribed(t, crd.GetName(), schema); described < 20 {
				t.Errorf("only %d fields were found, which is not all of them", described)
			}
		})
	}
}

// checkDescribed checks a schema and all that is below it, and returns how many
// fields it has.
func checkDescribed(t *testing.T, path string, schema map[string]any) int {
	t.Helper()
	count := 0
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		property := property.(map[string]any)
		description, _ := property["description"].(string)
		// The schema of metadata is built in to the server.
		if path := path + "." + name; strings.TrimSpace(description) == "" && !strings.HasSuffix(path, ".kie-operator.github.io.metadata") {
			t.Errorf("%s has no description", path)
		}
		count += 1 + checkDescribed(t, path+"."+name, property)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		count += checkDescribed(t, path+"[]", items)
	}
	return count
}
