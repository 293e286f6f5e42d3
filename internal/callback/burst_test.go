// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	attempts "github.com/kie-operator/kie-operator/internal/attempt"
)

const (
	// burstSize is how many callbacks come within burstTime.
	burstSize = 2000
	burstTime = time.Second
	// senderPatience is how long KIE.AI waits for an answer. It tries again after a while, a few times.
	senderPatience = 15 * time.Second
	senderTries    = 1 + 3
	senderPause    = 5 * time.Second
)

// BenchmarkBurst sends 2,000 callbacks within a second to two replicas, right
// after the purchases, each on a connection of its own, and tries again as KIE.AI
// does. It prints how the first tries were answered, how many receipts are in the
// API server in the end, and how long that took, as a multiple of the time for as
// many bare writes.
func BenchmarkBurst(b *testing.B) {
	for b.Loop() {
		benchmarkBurst(b)
	}
}

func benchmarkBurst(b *testing.B) {
	needFiles(b, 3*burstSize)
	w := newWorld(b)
	wall := clock.RealClock{}
	onRealTime := func(r *replica) {
		r.handler.clock = wall
		r.handler.line = newLine(wall, lineLimits{limit: maxPlaces, writers: maxWriters, pace: firstPace})
	}
	replicas := []*replica{w.newReplica(b, onRealTime), w.newReplica(b, onRealTime)}
	var yardstick, bought [burstSize]*v1alpha1.VideoGeneration
	writers := len(replicas) * maxWriters
	inParallel(writers, 2*burstSize, func(i int) {
		if i < burstSize {
			yardstick[i] = w.apply(b, fmt.Sprintf("yardstick-%04d", i))
		} else {
			bought[i-burstSize] = w.apply(b, fmt.Sprintf("bought-%04d", i-burstSize))
		}
	})

	// Half of the bare writes are measured before the burst and half after it, because the load of the machine changes.
	half := func(first int) time.Duration {
		begun := time.Now()
		inParallel(writers, burstSize/2, func(i int) { w.patch(b, yardstick[first+i]) })
		return time.Since(begun)
	}
	raw := half(0)
	inParallel(writers, burstSize, func(i int) {
		w.start(bought[i])
		w.store(b, bought[i])
	})

	var senders sync.WaitGroup
	answers := make([][]int, burstSize) // of each callback, to each try; 0 is none
	var last sync.Mutex
	begun := time.Now()
	var took time.Duration
	for i, vg := range bought {
		senders.Go(func() {
			<-time.After(time.Duration(i) * burstTime / burstSize)
			answers[i] = callAsKIE(b, replicas[i%len(replicas)].address, vg)
			last.Lock()
			defer last.Unlock()
			took = max(took, time.Since(begun))
		})
	}
	senders.Wait()
	raw += half(burstSize / 2)

	first, all, durable := map[int]int{}, map[int]int{}, 0
	for i, vg := range bought {
		first[answers[i][0]]++
		for _, answer := range answers[i] {
			all[answer]++
		}
		if receipt := w.get(b, vg).Status.Callback; receipt != nil && receipt.TaskID == vg.Status.Task.ID {
			durable++
		}
	}
	b.Logf("first answers %v, all answers %v (0 is none), durable %d; %s, and %s for raw writes", first, all, durable, took.Round(time.Millisecond), raw.Round(time.Millisecond))
	for _, status := range slices.Sorted(maps.Keys(first)) {
		b.ReportMetric(float64(first[status]), fmt.Sprintf("first-%03d", status))
	}
	b.ReportMetric(float64(all[http.StatusNotFound]), "404")
	b.ReportMetric(float64(durable), "durable")
	b.ReportMetric(took.Seconds()/raw.Seconds(), "x-raw-writes")
	if all[http.StatusNotFound] > 0 || durable != burstSize {
		b.Errorf("%d were refused for good and %d are durable, want none and all of %d", all[http.StatusNotFound], durable, burstSize)
	}
}

// inParallel calls do for 0 to n-1.
func inParallel(workers, n int, do func(int)) {
	turns := make(chan int)
	var working sync.WaitGroup
	for range workers {
		working.Go(func() {
			for i := range turns {
				do(i)
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	working.Wait()
}

// patch writes a receipt as the handler does, without all that comes before.
func (w *world) patch(t testing.TB, vg *v1alpha1.VideoGeneration) {
	t.Helper()
	var patch mailboxPatch
	patch.Metadata.ResourceVersion = vg.ResourceVersion
	patch.Status.Callback.Attempt, patch.Status.Callback.TaskID = attempts.New(), paidTask
	patch.Status.Callback.ReceivedAt = metav1.NowMicro()
	body, err := json.Marshal(patch)
	if err != nil {
		t.Error(err)
		return
	}
	target := &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name}}
	if err := w.client.Status().Patch(t.Context(), target, client.RawPatch(types.MergePatchType, body), fieldOwner); err != nil {
		t.Errorf("a raw write: %v", err)
	}
}

// callAsKIE sends the callback until it is answered with 200, so often as KIE.AI
// does, and returns the answers. 0 stands for none.
func callAsKIE(t testing.TB, address string, vg *v1alpha1.VideoGeneration) []int {
	var answers []int
	for try := range senderTries {
		if try > 0 {
			<-time.After(senderPause)
		}
		genuine := call(vg).withHeaders(signed(hmacKey, vg.Status.Task.ID, time.Now())...)
		answer := sendOnce(t.Context(), address, genuine)
		answers = append(answers, answer)
		if answer == http.StatusOK {
			break
		}
	}
	return answers
}

// sendOnce sends a request on a connection of its own and returns the status of
// the answer, 0 if there is none in time.
func sendOnce(ctx context.Context, address string, genuine request) int {
	deadline := time.Now().Add(senderPatience)
	conn, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return 0
	}
	if _, err := io.WriteString(conn, genuine.String()); err != nil {
		return 0
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}
