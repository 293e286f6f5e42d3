// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inspect writes a file in pieces of some size, 0 for one piece.
func inspect(data []byte, size int) (VideoFacts, error) {
	i := &inspector{place: "host/v.mp4"}
	if size == 0 {
		size = max(1, len(data))
	}
	for piece := range slices.Chunk(data, size) {
		if _, err := i.Write(piece); err != nil {
			return VideoFacts{}, err
		}
	}
	return i.Finish()
}

// isNotVideo says whether an error is what it should be.
func isNotVideo(err error) bool {
	var failure *StorageError
	return errors.As(err, &failure) && failure.Class == NotVideo && errors.Is(err, ErrNotVideo)
}

// filmOf is a track whose samples have some sizes and lie in one chunk.
func filmOf(chunk []byte, sizes ...uint32) []byte {
	table := slices.Concat(u32(0), u32(0), u32(uint32(len(sizes))))
	for _, size := range sizes {
		table = slices.Concat(table, u32(size))
	}
	return tablesOf(box("stsz", table), box("stsc", u32(0), u32(1), u32(1), u32(uint32(len(sizes))), u32(1)), chunk)
}

// tablesOf is a track with some tables.
func tablesOf(tables ...[]byte) []byte {
	return box("trak", tkhd(1920, 1080), box("mdia", hdlr("vide"), box("minf", box("stbl", tables...))))
}

func stco(offsets ...uint32) []byte {
	table := slices.Concat(u32(0), u32(uint32(len(offsets))))
	for _, offset := range offsets {
		table = slices.Concat(table, u32(offset))
	}
	return box("stco", table)
}

func co64(offset uint64) []byte { return box("co64", u32(0), u32(1), u64(offset)) }

func moovOf(tracks ...[]byte) []byte {
	return box("moov", mvhd(1000, 1500), slices.Concat(tracks...))
}

// The files of tests begin with ftyp and mdat, so this is where the content of
// that is: 1000 bytes.
var (
	mediaStart = uint32(len(ftyp) + 8)
	goodMoov   = moovOf(filmOf(stco(mediaStart), 400, 600))
	goodFile   = slices.Concat(ftyp, mdat, goodMoov)
)

// indexFirst is a file whose last box is mdat, of any kind.
func indexFirst(mdat []byte, header uint32, sizes ...uint32) []byte {
	length := uint32(len(ftyp) + len(moovOf(filmOf(stco(0), sizes...))))
	return slices.Concat(ftyp, moovOf(filmOf(stco(length+header), sizes...)), mdat)
}

var (
	fragmentedMoov = box("moov", mvhd(1000, 0), picturesTrack, box("mvex", box("mehd", u32(0), u32(1500))))
	fragment       = slices.Concat(box("moof", make([]byte, 50)), mdat)
)

func TestInspect(t *testing.T) {
	for _, tc := range []struct {
		reason string
		data   []byte
	}{
		{"the index at the end", goodFile},
		{"the index at the front", indexFirst(mdat, 8, 400, 600)},
		{"media with a size of 64 bits", indexFirst(largeBox("mdat", make([]byte, 1000)), 16, 1000)},
		{"media up to the end", indexFirst(slices.Concat(sized("mdat", 0), make([]byte, 1000)), 8, 1000)},
		{"the index up to the end", slices.Concat(ftyp, mdat, sized("moov", 0), goodMoov[8:])},
		{"an index with a size of 64 bits", slices.Concat(ftyp, mdat, largeBox("moov", goodMoov[8:]))},
		{"offsets of 64 bits", slices.Concat(ftyp, mdat, moovOf(filmOf(co64(uint64(mediaStart)), 1000)))},
		{"samples of one size", slices.Concat(ftyp, mdat, moovOf(tablesOf(
			box("stsz", u32(0), u32(100), u32(10)), box("stsc", u32(0), u32(2), u32(1), u32(9), u32(1), u32(2), u32(1), u32(1)), stco(mediaStart, mediaStart+900))))},
		{"compact sizes, which are not looked at", slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stz2", u32(0), u32(8), u32(0)), stco(mediaStart))))},
		{"a track without samples beside one with them", slices.Concat(ftyp, mdat, moovOf(filmOf(stco(mediaStart), 1000), trak("text", 0, 0)))},
		{"boxes that nobody knows", slices.Concat(goodFile, box("\x00\xff!!", make([]byte, 99)), box("free"))},
		{"fragments", slices.Concat(ftyp, fragmentedMoov, fragment, fragment)},
		{"an index of the largest size", slices.Concat(ftyp, mdat, box("moov", goodMoov[8:], box("free", make([]byte, maxIndexBytes-len(goodMoov)))))},
	} {
		for _, size := range []int{0, 1, 7, 4096} {
			got, err := inspect(tc.data, size)
			if diff := cmp.Diff(halfHD, got); diff != "" || err != nil {
				t.Errorf("%s, in pieces of %d: %v (-want +got):\n%s", tc.reason, size, err, diff)
			}
		}
	}
}

func TestInspectErrors(t *testing.T) {
	const (
		otherwise = "begins like something else"
		middle    = "ends in the middle"
		missing   = "a part of it is missing"
		tooLarge  = "index is too large"
		size      = "impossible size"
		noVideo   = "describes no video"
	)
	for _, tc := range []struct {
		reason, words string
		data          []byte
	}{
		{"nothing", "it is empty", nil},
		{"a page", otherwise, []byte("<!DOCTYPE html><html><body>expired</body></html>")},
		{"an answer", otherwise, []byte(`{"code":404,"msg":"gone"}`)},
		{"a picture", otherwise, picture(t, "jpeg")},
		{"another picture", otherwise, picture(t, "png")},
		{"a word", middle, []byte("gone")},
		{"the media first", otherwise, goodFile[len(ftyp):]},
		{"the first box only", "no index", ftyp},
		{"no index", "no index", slices.Concat(ftyp, mdat)},
		{"no media", "nothing else", slices.Concat(ftyp, goodMoov)},
		{"no media yet", "nothing else", slices.Concat(ftyp, moovOf(filmOf(stco(1<<20), 1000)), box("free"))},
		{"no media at the end", missing, indexFirst(mdat, 8+1000, 1)},
		{"half an index", middle, goodFile[:len(goodFile)-1]},
		{"half a header at the end", middle, slices.Concat(goodFile, []byte{0, 0, 0})},
		{"half a size of 64 bits", middle, slices.Concat(goodFile, sized("free", 1, 0, 0))},
		{"two indexes", "two indexes", slices.Concat(goodFile, goodMoov)},
		{"an index without tracks", noVideo, slices.Concat(ftyp, mdat, moovOf())},
		{"an empty index", noVideo, slices.Concat(ftyp, mdat, box("moov"))},
		{"sound", noVideo, slices.Concat(ftyp, mdat, moovOf(soundTrack))},
		{"a track without samples", missing, small(picturesTrack)},
		{"a sample is larger than what is there", missing, slices.Concat(ftyp, mdat, moovOf(filmOf(stco(mediaStart), 400, 1<<20)))},
		{"media up to an end that is too early", missing, indexFirst(slices.Concat(sized("mdat", 0), make([]byte, 999)), 8, 1000)},
		{"a chunk far away", missing, slices.Concat(ftyp, mdat, moovOf(filmOf(co64(1<<64-1), 1000)))},
		{"a table that claims more than there is", missing, slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stco", u32(0), u32(1<<31), u32(mediaStart)))))},
		{"sizes that claim more than there is", missing, slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stsz", u32(0), u32(0), u32(1<<32-1)), stco(mediaStart))))},
		{"sizes of nothing", missing, slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stsz"), stco(mediaStart))))},
		{"more samples than bytes", missing, slices.Concat(ftyp, mdat, moovOf(tablesOf(
			box("stsz", u32(0), u32(1<<32-1), u32(1<<32-1)), box("stsc", u32(0), u32(1), u32(1), u32(1<<32-1), u32(1)), stco(mediaStart))))},
		{"fragments that never come", "nothing else", slices.Concat(ftyp, fragmentedMoov)},
		{"a fragment without media", middle, slices.Concat(ftyp, fragmentedMoov, fragment, fragment[:58])},
		{"no fragments", missing, slices.Concat(ftyp, fragmentedMoov, mdat)},
		{"a box that is smaller than itself", size, slices.Concat(ftyp, sized("free", 7), mdat)},
		{"a box that is smaller than itself, of 64 bits", size, slices.Concat(ftyp, sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 15), mdat)},
		{"a box of all there could be", size, slices.Concat(ftyp, sized("mdat", 1, 255, 255, 255, 255, 255, 255, 255, 255), mdat)},
		{"a box of most there could be", middle, slices.Concat(ftyp, sized("mdat", 1, 127, 255, 255, 255, 255, 255, 255, 255), mdat)},
		{"an index that claims to be large", tooLarge, slices.Concat(ftyp, sized("moov", 1<<31))},
		{"an index that is large", tooLarge, slices.Concat(ftyp, mdat, box("moov", goodMoov[8:], make([]byte, maxIndexBytes)))},
		{"an index without end", tooLarge, slices.Concat(ftyp, sized("moov", 0), make([]byte, maxIndexBytes+1))},
		{"everything in the first box", "no index", slices.Concat(sized("ftyp", 0), goodFile[8:])},
	} {
		for _, size := range []int{0, 1, 7, 4096} {
			got, err := inspect(tc.data, size)
			if got != (VideoFacts{}) || !isNotVideo(err) || !strings.Contains(err.Error(), tc.words) || !strings.Contains(err.Error(), "host/v.mp4") {
				t.Errorf("%s, in pieces of %d: got %+v, %v, want NotVideo with %q", tc.reason, size, got, err, tc.words)
			}
		}
	}
}

// What is clear is said before the rest is there, and remains.
func TestInspectSaysSoEarly(t *testing.T) {
	i := &inspector{}
	if n, err := i.Write([]byte("<!DOCTYPE html>")); n != 8 || !isNotVideo(err) {
		t.Errorf("got %d, %v, want an error after 8 bytes", n, err)
	}
	if n, err := i.Write(goodFile); n != 0 || !isNotVideo(err) {
		t.Errorf("got %d, %v, want the error again", n, err)
	}
	if _, err := i.Finish(); !isNotVideo(err) {
		t.Errorf("got %v, want the error again", err)
	}
}

// media are the names of real videos.
func media(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "kie", "kiesim", "media", "*.mp4"))
	if err != nil || len(files) != 24 {
		t.Fatalf("got %d videos, %v, want 24", len(files), err)
	}
	return files
}

// Of a real video only all of it is a complete one.
func TestInspectRealVideos(t *testing.T) {
	for _, file := range media(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := probe(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := inspect(data, 1<<10)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", file, err, diff)
		}
		step := 997
		if filepath.Base(file) == "720p-landscape-4s.mp4" {
			step = 1
		}
		for cut := 0; cut < len(data); cut += step {
			if _, err := inspect(data[:cut], 0); !isNotVideo(err) {
				t.Errorf("%s, its first %d bytes: got %v, want NotVideo", file, cut, err)
			}
		}
		if _, err := inspect(append(data, 0), 0); !isNotVideo(err) {
			t.Errorf("%s and a byte: got %v, want NotVideo", file, err)
		}
	}
}

// FuzzInspect holds what must be true of every file: nothing panics, and the
// pieces that it comes in do not matter.
func FuzzInspect(f *testing.F) {
	for n, data := range [][]byte{
		video(f), goodFile, indexFirst(mdat, 8, 400, 600), indexFirst(slices.Concat(sized("mdat", 0), make([]byte, 1000)), 8, 1000),
		slices.Concat(ftyp, mdat, sized("moov", 0), goodMoov[8:]), slices.Concat(ftyp, fragmentedMoov, fragment),
		slices.Concat(ftyp, mdat, moovOf(filmOf(co64(uint64(mediaStart)), 1000))), slices.Concat(ftyp, sized("mdat", 1, 127, 255, 255, 255, 255, 255, 255, 255)),
		slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stsz", u32(0), u32(1<<32-1), u32(1<<32-1)), box("stsc", u32(0), u32(1), u32(1), u32(1<<32-1), u32(1)), stco(mediaStart)))),
		slices.Concat(ftyp, mdat, moovOf(tablesOf(box("stco", u32(0), u32(1<<31))))), slices.Concat(ftyp, sized("moov", 1<<31)), []byte("<html>"), nil,
	} {
		f.Add(data, uint64(n))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		want, wantErr := inspect(data, 0)
		if wantErr != nil && (want != (VideoFacts{}) || !isNotVideo(wantErr)) {
			t.Errorf("got %+v beside %v", want, wantErr)
		}
		random := rand.New(rand.NewPCG(seed, seed))
		i := &inspector{place: "host/v.mp4"}
		for rest := data; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 1<<(1+seed%16)))
			if _, err := i.Write(rest[:n]); err != nil {
				break
			}
			rest = rest[n:]
		}
		got, err := i.Finish()
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Errorf("in pieces got %v, want %v (-want +got):\n%s", err, wantErr, diff)
		}
		if len(i.index) > maxIndexBytes {
			t.Errorf("it holds %d bytes", len(i.index))
		}
	})
}
