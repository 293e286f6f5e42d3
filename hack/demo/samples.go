// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/kiesim"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// rejected is the sample whose prompt KIE.AI refuses, suspended the one that is
// not bought; all others succeed.
const (
	rejected  = "rejected"
	suspended = "premiere"
)

// account is what a user of the simulator applies instead of
// config/samples/kieaccount.yaml and secret.yaml.
const account = `
apiVersion: v1
kind: Secret
metadata:
  name: kie-credentials
  namespace: kie-operator-system
stringData:
  apiKey: %[1]s
  webhookHmacKey: %[2]s
---
apiVersion: kie-operator.github.io/v1alpha1
kind: KieAccount
metadata:
  name: default
  namespace: kie-operator-system
spec:
  credentialsSecretRef:
    name: kie-credentials
  baseURL: %[3]s
  uploadBaseURL: %[3]s
  allowedNamespaces:
    from: All
  storage:
    url: file://%[4]s
`

func (d *demo) kubectl(ctx context.Context, input string, args ...string) (string, error) {
	out, err := testenv.Kubectl(ctx, d.kubeconfig, []byte(input), args...)
	return string(out), err
}

// show runs kubectl as a user would, and shows what it prints.
func (d *demo) show(ctx context.Context, args ...string) error {
	fmt.Println("    $ kubectl " + strings.Join(args, " "))
	out, err := d.kubectl(ctx, "", args...)
	fmt.Print(indent(out))
	return err
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

func (d *demo) applySamples(ctx context.Context) error {
	if _, err := d.kubectl(ctx, fmt.Sprintf(account, apiKey, webhookKey, d.simulator, d.videosFolder()), "apply", "-f", "-"); err != nil {
		return err
	}
	samples, err := d.kubectl(ctx, "", "kustomize", filepath.Join(testenv.Root(), "config", "samples"))
	if err != nil {
		return err
	}
	// Where users put the addresses of their own images, the demo has a few to show.
	samples = strings.ReplaceAll(samples, "https://example.com", d.images)
	fmt.Println("    $ kubectl apply -k config/samples")
	out, err := d.kubectl(ctx, samples, "apply", "-f", "-")
	fmt.Print(indent(out))
	return err
}

// startImages serves an image under every address.
func (d *demo) startImages(ctx context.Context) (err error) {
	d.images, err = testenv.Serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, filepath.Join(testenv.Root(), "config", "samples", "images", "lighthouse-day.png"))
	}))
	return err
}

func (d *demo) videos(ctx context.Context) ([]v1alpha1.VideoGeneration, error) {
	out, err := d.kubectl(ctx, "", "get", "videogenerations", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list v1alpha1.VideoGenerationList
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		return nil, fmt.Errorf("reading the VideoGenerations: %w", err)
	}
	return list.Items, nil
}

// watch shows the table each time it changes, until every sample has ended.
func (d *demo) watch(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	var last string
	for {
		table, err := d.kubectl(ctx, "", "get", "videogenerations",
			"-o", `custom-columns=NAME:.metadata.name,READY:.status.conditions[?(@.type=="Ready")].status,STATUS:.status.conditions[?(@.type=="Ready")].reason`)
		if err != nil {
			return err
		}
		if table != last {
			if err := d.show(ctx, "get", "videogenerations"); err != nil {
				return err
			}
			last = table
		}
		if atRest(table) {
			break
		}
		select {
		case <-ctx.Done():
			return errors.New("the samples did not come to an end in time")
		case <-ticker.C:
		}
	}
	return d.show(ctx, "wait", "--for=condition=Ready", "vg/lighthouse")
}

// atRest reports whether every row of the table has come to an end, or waits for
// its user.
func atRest(table string) bool {
	for _, row := range strings.Split(table, "\n") {
		if strings.Contains(row, "<none>") || (strings.Contains(row, "Unknown") && !strings.Contains(row, v1alpha1.ReasonSuspended)) {
			return false
		}
	}
	return true
}

// check compares how the samples ended with how they should have, and what the
// simulator was paid for with what was applied.
func (d *demo) check(ctx context.Context) error {
	videos, err := d.videos(ctx)
	if err != nil {
		return err
	}
	state, err := d.simulated(ctx)
	if err != nil {
		return err
	}
	paid := map[string]int{}
	for _, task := range state.Tasks {
		paid[task.ID]++
	}
	var failures []error
	var bought, upgraded int
	var consumed credits.Amount
	for _, vg := range videos {
		failures = append(failures, checkVideo(vg, paid))
		if vg.Status.Task != nil {
			bought++
		}
		if vg.Status.Upgrade != nil {
			upgraded++
		}
		amount, err := consumedBy(vg)
		failures = append(failures, err)
		consumed = consumed.Plus(amount)
	}
	if state.PaidTasks != bought || state.PaidUpgrades != upgraded || bought != len(videos)-1 {
		failures = append(failures, fmt.Errorf("%d tasks and %d upgrades were paid for, for %d resources and %d upgrades", state.PaidTasks, state.PaidUpgrades, bought, upgraded))
	}
	balance, ok := credits.FromFloat(state.Balance)
	spent := credits.Of(simulatedCredits).Minus(balance)
	if !ok || spent != consumed {
		failures = append(failures, fmt.Errorf("the balance has fallen by %s credits, and the resources say %s", spent, consumed))
	}
	fmt.Printf("    The simulator sold %d tasks and %d upgrades for %d resources, and %d of %d callbacks were acknowledged.\n",
		state.PaidTasks, state.PaidUpgrades, bought, state.Callbacks.Acknowledged, state.Callbacks.Sent)
	fmt.Printf("    The balance has fallen by %s credits, which is what the resources say by the price table.\n", spent)
	for _, settled := range []string{"{.status.inFlight}=0", "{.status.credits}=" + balance.String()} {
		if _, err := d.kubectl(ctx, "", "wait", "--for=jsonpath="+settled, "--timeout=1m", "-n", testenv.OperatorNamespace, "kieaccount/default"); err != nil {
			return err
		}
	}
	if err := d.show(ctx, "get", "kieaccounts", "-A"); err != nil {
		return err
	}
	if err := d.show(ctx, "get", "events", "--field-selector", "involvedObject.name=lighthouse",
		"-o", "custom-columns=TYPE:.type,REASON:.reason,MESSAGE:.message"); err != nil {
		return err
	}
	return errors.Join(failures...)
}

func checkVideo(vg v1alpha1.VideoGeneration, paid map[string]int) error {
	task := vg.Status.Task
	if vg.Name == suspended {
		fmt.Printf("    %s: not bought; it would cost %s credits\n", vg.Name, vg.Status.EstimatedCredits)
		if task != nil || vg.Status.EstimatedCredits == "" {
			return fmt.Errorf("%s was not held back, or has no estimate", vg.Name)
		}
		return nil
	}
	switch {
	case task == nil || paid[task.ID] != 1:
		return fmt.Errorf("%s was not paid for once", vg.Name)
	case vg.Status.Callback == nil:
		return fmt.Errorf("%s was not called back", vg.Name)
	case vg.Name == rejected && (task.Failure == nil || task.Failure.Reason != v1alpha1.ReasonContentRejected):
		return fmt.Errorf("%s was not refused", vg.Name)
	case vg.Name == rejected:
		fmt.Printf("    %s: %s\n", vg.Name, task.Failure.Message)
		return nil
	case task.State != v1alpha1.TaskSucceeded || len(vg.Status.Videos) == 0:
		return fmt.Errorf("%s has no video", vg.Name)
	case vg.Status.Videos[0].Resolution != string(vg.Spec.Resolution):
		return fmt.Errorf("%s is in %s", vg.Name, vg.Status.Videos[0].Resolution)
	}
	for _, video := range vg.Status.Videos {
		if err := checkStored(vg.Name, video); err != nil {
			return err
		}
	}
	return nil
}

// checkStored checks the stored copy of a video, and shows where it is, its size and
// its hash.
func checkStored(name string, video v1alpha1.Video) error {
	if video.Artifact == nil || video.Duration == nil || video.Audio == nil {
		return fmt.Errorf("a video of %s was not stored, or not looked into", name)
	}
	uri, err := url.Parse(video.Artifact.URI)
	if err != nil {
		return fmt.Errorf("reading where a video is stored: %w", err)
	}
	path := uri.Path
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading a stored video: %w", err)
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(content))
	if sum != video.Artifact.SHA256 || int64(len(content)) != video.Artifact.SizeBytes {
		return fmt.Errorf("the video at %s is not the one that the status describes", path)
	}
	sound := "with sound"
	if !*video.Audio {
		sound = "without sound"
	}
	fmt.Printf("    %s: %d×%d, %s, %s\n      %s\n      %d bytes, SHA-256 %s\n",
		name, video.Width, video.Height, video.Duration.Duration, sound, path, len(content), sum)
	return nil
}

// consumedBy is what the task and the upgrade of a resource have cost, by its status.
// What has failed has no cost there, and cost nothing.
func consumedBy(vg v1alpha1.VideoGeneration) (sum credits.Amount, err error) {
	var texts []string
	if task := vg.Status.Task; task != nil && task.State == v1alpha1.TaskSucceeded {
		texts = append(texts, task.CreditsConsumed)
	}
	if up := vg.Status.Upgrade; up != nil && up.State == v1alpha1.UpgradeSucceeded {
		texts = append(texts, up.CreditsConsumed)
	}
	for _, text := range texts {
		amount, err := credits.Parse(text)
		if err != nil {
			return sum, fmt.Errorf("reading what %s has cost: %w", vg.Name, err)
		}
		sum = sum.Plus(amount)
	}
	return sum, nil
}

// simulated reads the counters of the simulator.
func (d *demo) simulated(ctx context.Context) (state kiesim.State, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.simulator+"/_sim/state", nil)
	if err != nil {
		return state, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return state, fmt.Errorf("reading the simulator's counters: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		return state, fmt.Errorf("reading the simulator's counters: %w", err)
	}
	if err := json.Unmarshal(body.Bytes(), &state); err != nil {
		return state, fmt.Errorf("reading the simulator's counters: %w", err)
	}
	return state, nil
}
