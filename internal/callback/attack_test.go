// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"go.uber.org/goleak"
)

// attack is a number of hostile senders, each of which has one connection and
// makes another as soon as the server has ended it.
type attack struct {
	stop    context.CancelFunc
	senders sync.WaitGroup
	before  goleak.Option // the goroutines that there were
	heap    uint64        // and the memory

	made atomic.Int64 // connections, from the beginning
	peak uint64       // of the memory
}

// dialling bounds how many connections are made at a time: the senders share the
// processors of the server, and those of a real attack do not.
const dialling = 4

// begin starts that many senders and returns when there have been as many
// connections. A sender is called with a connection and its own number, and
// returns when it is through with the connection, which is closed when the
// attack ends.
func begin(t *testing.T, address string, parallel int, send func(ctx context.Context, conn net.Conn, sender int)) *attack {
	t.Helper()
	needFiles(t, parallel+maxConnections+500)
	a := &attack{before: goleak.IgnoreCurrent(), heap: heap()}
	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	turns := make(chan struct{}, dialling)
	for sender := range parallel {
		a.senders.Go(func() {
			for ctx.Err() == nil {
				turns <- struct{}{}
				conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
				<-turns
				if err != nil {
					continue // reset at once
				}
				a.made.Add(1)
				closed := context.AfterFunc(ctx, func() { _ = conn.Close() })
				send(ctx, conn, sender)
				closed()
				// A reset leaves the port free for the next connection.
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		})
	}
	t.Cleanup(a.end)
	a.reaches(t, int64(parallel))
	return a
}

// end ends the attack.
func (a *attack) end() {
	a.stop()
	a.senders.Wait()
}

// goesOn waits for so many more connections and samples the memory.
func (a *attack) goesOn(t *testing.T, connections int) {
	t.Helper()
	a.reaches(t, a.made.Load()+int64(connections))
	a.peak = max(a.peak, heap())
}

// reaches waits until there have been so many connections.
func (a *attack) reaches(t *testing.T, connections int64) {
	t.Helper()
	NewWithT(t).Eventually(a.made.Load).WithTimeout(patience).WithPolling(time.Millisecond).Should(BeNumerically(">=", connections), "the attack does not go on")
}

// leavesNothing ends the attack, and fails the test if it leaves goroutines or
// has taken more memory than it may.
func (a *attack) leavesNothing(t *testing.T) {
	t.Helper()
	a.end()
	NewWithT(t).Eventually(func() error { return goleak.Find(a.before) }).WithTimeout(patience).WithPolling(10 * time.Millisecond).Should(Succeed())
	taken := max(a.peak, a.heap) - a.heap
	t.Logf("%d connections were made, and %.1f MiB of heap were in use at a time", a.made.Load(), float64(taken)/(1<<20))
	if taken > maxHeap {
		t.Errorf("the attack took %d MiB of heap, want %d at most", taken>>20, maxHeap>>20)
	}
}

// heap is the memory in use that a garbage collection leaves.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// needFiles raises the limit on open files of this process, which has both ends
// of every connection, as far as needed.
func needFiles(t testing.TB, files int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	want := uint64(files)
	if limit.Cur >= want {
		return
	}
	if limit.Max < want {
		t.Fatalf("this test needs %d open files and the hard limit is %d: raise it with ulimit -Hn", want, limit.Max)
	}
	limit.Cur = want
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatalf("raising the limit of open files to %d: %v", want, err)
	}
}
