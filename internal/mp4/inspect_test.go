// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

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

	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/mp4"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// inspect writes a file in pieces of some size, 0 for one piece.
func inspect(data []byte, size int) (mp4.VideoFacts, error) {
	i := &mp4.Inspector{Place: "host/v.mp4"}
	if size == 0 {
		size = max(1, len(data))
	}
	for piece := range slices.Chunk(data, size) {
		if _, err := i.Write(piece); err != nil {
			return mp4.VideoFacts{}, err
		}
	}
	return i.Finish()
}

// isNotVideo says whether an error is what it should be.
func isNotVideo(err error) bool {
	var failure *transfer.StorageError
	return errors.As(err, &failure) && failure.Class == transfer.NotVideo && errors.Is(err, mp4.ErrNotVideo)
}

// filmOf is a track whose samples have some sizes and lie in one chunk.
func filmOf(chunk []byte, sizes ...uint32) []byte {
	table := slices.Concat(media.U32(0), media.U32(0), media.U32(uint32(len(sizes))))
	for _, size := range sizes {
		table = slices.Concat(table, media.U32(size))
	}
	return tablesOf(media.Box("stsz", table), media.Box("stsc", media.U32(0), media.U32(1), media.U32(1), media.U32(uint32(len(sizes))), media.U32(1)), chunk)
}

// tablesOf is a track with some tables.
func tablesOf(tables ...[]byte) []byte {
	return media.Box("trak", media.Tkhd(1920, 1080), media.Box("mdia", media.Hdlr("vide"), media.Box("minf", media.Box("stbl", tables...))))
}

func co64(offset uint64) []byte {
	return media.Box("co64", media.U32(0), media.U32(1), media.U64(offset))
}

func moovOf(tracks ...[]byte) []byte {
	return media.Box("moov", media.Mvhd(1000, 1500), slices.Concat(tracks...))
}

// The files of tests begin with ftyp and mdat, so this is where the content of
// that is: 1000 bytes.
var (
	mediaStart = uint32(len(media.Ftyp) + 8)
	goodMoov   = moovOf(filmOf(media.Stco(mediaStart), 400, 600))
	goodFile   = slices.Concat(media.Ftyp, media.Mdat, goodMoov)
)

// indexFirst is a file whose last box is mdat, of any kind.
func indexFirst(mdat []byte, header uint32, sizes ...uint32) []byte {
	length := uint32(len(media.Ftyp) + len(moovOf(filmOf(media.Stco(0), sizes...))))
	return slices.Concat(media.Ftyp, moovOf(filmOf(media.Stco(length+header), sizes...)), mdat)
}

var (
	fragmentedMoov = media.Box("moov", media.Mvhd(1000, 0), media.PicturesTrack, media.Box("mvex", media.Box("mehd", media.U32(0), media.U32(1500))))
	fragment       = slices.Concat(media.Box("moof", make([]byte, 50)), media.Mdat)
)

func TestInspect(t *testing.T) {
	for _, tc := range []struct {
		reason string
		data   []byte
	}{
		{"the index at the end", goodFile},
		{"the index at the front", indexFirst(media.Mdat, 8, 400, 600)},
		{"media with a size of 64 bits", indexFirst(media.LargeBox("mdat", make([]byte, 1000)), 16, 1000)},
		{"media up to the end", indexFirst(slices.Concat(media.Sized("mdat", 0), make([]byte, 1000)), 8, 1000)},
		{"the index up to the end", slices.Concat(media.Ftyp, media.Mdat, media.Sized("moov", 0), goodMoov[8:])},
		{"an index with a size of 64 bits", slices.Concat(media.Ftyp, media.Mdat, media.LargeBox("moov", goodMoov[8:]))},
		{"offsets of 64 bits", slices.Concat(media.Ftyp, media.Mdat, moovOf(filmOf(co64(uint64(mediaStart)), 1000)))},
		{"samples of one size", slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(
			media.Box("stsz", media.U32(0), media.U32(100), media.U32(10)), media.Box("stsc", media.U32(0), media.U32(2), media.U32(1), media.U32(9), media.U32(1), media.U32(2), media.U32(1), media.U32(1)), media.Stco(mediaStart, mediaStart+900))))},
		{"compact sizes, which are not looked at", slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stz2", media.U32(0), media.U32(8), media.U32(0)), media.Stco(mediaStart))))},
		{"a track without samples beside one with them", slices.Concat(media.Ftyp, media.Mdat, moovOf(filmOf(media.Stco(mediaStart), 1000), media.Trak("text", 0, 0)))},
		{"boxes that nobody knows", slices.Concat(goodFile, media.Box("\x00\xff!!", make([]byte, 99)), media.Box("free"))},
		{"fragments", slices.Concat(media.Ftyp, fragmentedMoov, fragment, fragment)},
		{"an index of the largest size", slices.Concat(media.Ftyp, media.Mdat, media.Box("moov", goodMoov[8:], media.Box("free", make([]byte, mp4.MaxIndexBytes-len(goodMoov)))))},
	} {
		for _, size := range []int{0, 1, 7, 4096} {
			got, err := inspect(tc.data, size)
			if diff := cmp.Diff(media.HalfHD, got); diff != "" || err != nil {
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
		{"a picture", otherwise, media.Picture(t, "jpeg")},
		{"another picture", otherwise, media.Picture(t, "png")},
		{"a word", middle, []byte("gone")},
		{"the media first", otherwise, goodFile[len(media.Ftyp):]},
		{"the first box only", "no index", media.Ftyp},
		{"no index", "no index", slices.Concat(media.Ftyp, media.Mdat)},
		{"no media", "nothing else", slices.Concat(media.Ftyp, goodMoov)},
		{"no media yet", "nothing else", slices.Concat(media.Ftyp, moovOf(filmOf(media.Stco(1<<20), 1000)), media.Box("free"))},
		{"no media at the end", missing, indexFirst(media.Mdat, 8+1000, 1)},
		{"half an index", middle, goodFile[:len(goodFile)-1]},
		{"half a header at the end", middle, slices.Concat(goodFile, []byte{0, 0, 0})},
		{"half a size of 64 bits", middle, slices.Concat(goodFile, media.Sized("free", 1, 0, 0))},
		{"two indexes", "two indexes", slices.Concat(goodFile, goodMoov)},
		{"an index without tracks", noVideo, slices.Concat(media.Ftyp, media.Mdat, moovOf())},
		{"an empty index", noVideo, slices.Concat(media.Ftyp, media.Mdat, media.Box("moov"))},
		{"sound", noVideo, slices.Concat(media.Ftyp, media.Mdat, moovOf(media.SoundTrack))},
		{"a track without samples", missing, media.Small(media.PicturesTrack)},
		{"a sample is larger than what is there", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(filmOf(media.Stco(mediaStart), 400, 1<<20)))},
		{"media up to an end that is too early", missing, indexFirst(slices.Concat(media.Sized("mdat", 0), make([]byte, 999)), 8, 1000)},
		{"a chunk far away", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(filmOf(co64(1<<64-1), 1000)))},
		{"a table that claims more than there is", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stco", media.U32(0), media.U32(1<<31), media.U32(mediaStart)))))},
		{"sizes that claim more than there is", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stsz", media.U32(0), media.U32(0), media.U32(1<<32-1)), media.Stco(mediaStart))))},
		{"sizes of nothing", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stsz"), media.Stco(mediaStart))))},
		{"more samples than bytes", missing, slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(
			media.Box("stsz", media.U32(0), media.U32(1<<32-1), media.U32(1<<32-1)), media.Box("stsc", media.U32(0), media.U32(1), media.U32(1), media.U32(1<<32-1), media.U32(1)), media.Stco(mediaStart))))},
		{"fragments that never come", "nothing else", slices.Concat(media.Ftyp, fragmentedMoov)},
		{"a fragment without media", middle, slices.Concat(media.Ftyp, fragmentedMoov, fragment, fragment[:58])},
		{"no fragments", missing, slices.Concat(media.Ftyp, fragmentedMoov, media.Mdat)},
		{"a box that is smaller than itself", size, slices.Concat(media.Ftyp, media.Sized("free", 7), media.Mdat)},
		{"a box that is smaller than itself, of 64 bits", size, slices.Concat(media.Ftyp, media.Sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 15), media.Mdat)},
		{"a box of all there could be", size, slices.Concat(media.Ftyp, media.Sized("mdat", 1, 255, 255, 255, 255, 255, 255, 255, 255), media.Mdat)},
		{"a box of most there could be", middle, slices.Concat(media.Ftyp, media.Sized("mdat", 1, 127, 255, 255, 255, 255, 255, 255, 255), media.Mdat)},
		{"an index that claims to be large", tooLarge, slices.Concat(media.Ftyp, media.Sized("moov", 1<<31))},
		{"an index that is large", tooLarge, slices.Concat(media.Ftyp, media.Mdat, media.Box("moov", goodMoov[8:], make([]byte, mp4.MaxIndexBytes)))},
		{"an index without end", tooLarge, slices.Concat(media.Ftyp, media.Sized("moov", 0), make([]byte, mp4.MaxIndexBytes+1))},
		{"everything in the first box", "no index", slices.Concat(media.Sized("ftyp", 0), goodFile[8:])},
	} {
		for _, size := range []int{0, 1, 7, 4096} {
			got, err := inspect(tc.data, size)
			if got != (mp4.VideoFacts{}) || !isNotVideo(err) || !strings.Contains(err.Error(), tc.words) || !strings.Contains(err.Error(), "host/v.mp4") {
				t.Errorf("%s, in pieces of %d: got %+v, %v, want NotVideo with %q", tc.reason, size, got, err, tc.words)
			}
		}
	}
}

// What is clear is said before the rest is there, and remains.
func TestInspectSaysSoEarly(t *testing.T) {
	i := &mp4.Inspector{}
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

// realVideos are the names of real videos.
func realVideos(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "kie", "kiesim", "media", "*.mp4"))
	if err != nil || len(files) != 24 {
		t.Fatalf("got %d videos, %v, want 24", len(files), err)
	}
	return files
}

// Of a real video only all of it is a complete one.
func TestInspectRealVideos(t *testing.T) {
	for _, file := range realVideos(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := mp4.Probe(bytes.NewReader(data))
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
		media.Video(f), goodFile, indexFirst(media.Mdat, 8, 400, 600), indexFirst(slices.Concat(media.Sized("mdat", 0), make([]byte, 1000)), 8, 1000),
		slices.Concat(media.Ftyp, media.Mdat, media.Sized("moov", 0), goodMoov[8:]), slices.Concat(media.Ftyp, fragmentedMoov, fragment),
		slices.Concat(media.Ftyp, media.Mdat, moovOf(filmOf(co64(uint64(mediaStart)), 1000))), slices.Concat(media.Ftyp, media.Sized("mdat", 1, 127, 255, 255, 255, 255, 255, 255, 255)),
		slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stsz", media.U32(0), media.U32(1<<32-1), media.U32(1<<32-1)), media.Box("stsc", media.U32(0), media.U32(1), media.U32(1), media.U32(1<<32-1), media.U32(1)), media.Stco(mediaStart)))),
		slices.Concat(media.Ftyp, media.Mdat, moovOf(tablesOf(media.Box("stco", media.U32(0), media.U32(1<<31))))), slices.Concat(media.Ftyp, media.Sized("moov", 1<<31)), []byte("<html>"), nil,
	} {
		f.Add(data, uint64(n))
	}
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		want, wantErr := inspect(data, 0)
		if wantErr != nil && (want != (mp4.VideoFacts{}) || !isNotVideo(wantErr)) {
			t.Errorf("got %+v beside %v", want, wantErr)
		}
		random := rand.New(rand.NewPCG(seed, seed))
		i := &mp4.Inspector{Place: "host/v.mp4"}
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
		if len(i.Index) > mp4.MaxIndexBytes {
			t.Errorf("it holds %d bytes", len(i.Index))
		}
	})
}
