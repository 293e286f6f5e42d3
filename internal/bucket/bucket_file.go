// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"gocloud.dev/blob/fileblob"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

const (
	// sidecarSuffix ends the name of the file in which fileblob keeps the metadata of another.
	sidecarSuffix = ".attrs"
	// temporarySuffix ends the name of a file that is being written, after a dot and the time in hexadecimal.
	temporarySuffix = ".tmp"
	// folderMode lets others read: who serves the videos may be another user.
	folderMode = 0o755
)

// openFile opens a folder at or below the root of the installation, and makes it
// if there is none. The root itself is not made: if it is missing, its volume is
// not mounted.
func (s *Storage) openFile(_ context.Context, b *Bucket) error {
	folder := filepath.Clean(b.url.Path)
	b.name = "folder " + folder
	if s.options.FileRoot == "" {
		return invalid("storage.url begins with file://, and the operator was started without a folder for videos: set one up, or use s3://, gs:// or azblob://")
	}
	below, err := filepath.Rel(filepath.Clean(s.options.FileRoot), folder)
	if err != nil || !filepath.IsLocal(below) {
		return outsideRoot(folder)
	}
	root, err := filepath.EvalSymlinks(s.options.FileRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return &transfer.StorageError{
			Class:   transfer.BucketNotFound,
			Message: "folder " + filepath.Clean(s.options.FileRoot) + " does not exist: mount a volume there",
			Cause:   err,
		}
	}
	if err != nil {
		return err
	}
	bucket := fileBucket{root: root, folder: filepath.Join(root, below)}
	if err := bucket.makeFolder(bucket.folder); err != nil {
		return err
	}
	bucket.keep = filepath.Join(bucket.folder, filepath.FromSlash(b.prefix))
	b.special = special{check: bucket.check, prepare: bucket.prepare, sweep: bucket.sweep, write: bucket.write, settle: bucket.settle}
	// The temporary file is in the same folder as the final one: a rename is atomic within one filesystem only.
	b.blob, err = fileblob.OpenBucket(bucket.folder, &fileblob.Options{NoTempDir: true, DirFileMode: folderMode})
	return err
}

func outsideRoot(path string) error {
	return invalid("%s is not in the operator's folder for videos: use one at or below it, to which no symbolic link leads out", path)
}

// fileBucket is what fileblob has no function for. Its paths are without
// symbolic links down to the root.
type fileBucket struct {
	root   string // of the installation
	folder string // of the bucket
	keep   string // the folder of the prefix, which stays when it is empty
}

func (b fileBucket) path(key string) string { return filepath.Join(b.folder, filepath.FromSlash(key)) }

// check refuses a key whose file, or that of its metadata, is reached through a
// symbolic link that leads out of the root.
func (b fileBucket) check(key string) error {
	if strings.HasSuffix(key, sidecarSuffix) {
		return invalid("the key of the video cannot be used: it ends with %s", sidecarSuffix)
	}
	return errors.Join(b.inside(b.path(key)), b.inside(b.path(key)+sidecarSuffix))
}

// inside refuses a path that symbolic links lead out of the root. The end of the
// path need not be there yet.
func (b fileBucket) inside(path string) error {
	for existing := path; ; existing = filepath.Dir(existing) {
		if _, err := os.Lstat(existing); errors.Is(err, fs.ErrNotExist) && existing != b.root {
			continue
		}
		target, err := filepath.EvalSymlinks(existing)
		if errors.Is(err, fs.ErrNotExist) && existing != b.root { // a link to nothing
			return outsideRoot(path)
		}
		if err != nil {
			return err
		}
		if below, err := filepath.Rel(b.root, target); err != nil || !filepath.IsLocal(below) {
			return outsideRoot(path)
		}
		return nil
	}
}

// makeFolder makes a folder, unless symbolic links lead out of the root on the
// way there.
func (b fileBucket) makeFolder(path string) error {
	if err := b.inside(path); err != nil {
		return err
	}
	if err := os.MkdirAll(path, folderMode); err != nil {
		return err
	}
	return b.inside(path)
}

// prepare makes the folder of a key, and removes what is left in it.
func (b fileBucket) prepare(ctx context.Context, key string) error {
	if err := b.sweep(ctx, key); err != nil {
		return err
	}
	if _, err := os.Stat(b.folder); err != nil { // its volume may not be mounted any more: do not make the folder again
		return err
	}
	return b.makeFolder(filepath.Dir(b.path(key)))
}

// write has a file reach the disk before it gets its name. A file that another
// process has removed meanwhile gets none: fileblob would remove the metadata of the
// file of that process with it.
func (b fileBucket) write() (begin func(as func(any) bool) error, finish func() error) {
	var file *os.File
	begin = func(as func(any) bool) error {
		if !as(&file) {
			return errors.New("the write has no file")
		}
		return nil
	}
	finish = func() error {
		if err := file.Sync(); err != nil {
			return err
		}
		_, err := os.Lstat(file.Name())
		return err
	}
	return begin, finish
}

// settle has the directory entry of a file reach the disk.
func (b fileBucket) settle(key string) error {
	folder, err := os.Open(filepath.Dir(b.path(key)))
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	return folder.Sync()
}

// sweep removes the temporary files of a key, its metadata if there is no file of
// that name, and the folders of the key that are empty.
func (b fileBucket) sweep(_ context.Context, key string) error {
	path := b.path(key)
	folder := filepath.Dir(path)
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if temporaryOf(entry.Name(), filepath.Base(path)) {
			if err := removeIfThere(filepath.Join(folder, entry.Name())); err != nil {
				return err
			}
		}
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := removeIfThere(path + sidecarSuffix); err != nil {
			return err
		}
	}
	for folder != b.keep && folder != b.folder && isFolder(folder) && os.Remove(folder) == nil { // fails if it is not empty
		folder = filepath.Dir(folder)
	}
	return nil
}

// isFolder says whether there is a folder, and not a link to one, which could be
// removed though that is full.
func isFolder(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.IsDir()
}

// temporaryOf says whether a file is the temporary file of another one.
func temporaryOf(name, base string) bool {
	middle, ok := strings.CutPrefix(name, base+".")
	if !ok {
		return false
	}
	middle, ok = strings.CutSuffix(middle, temporarySuffix)
	_, err := strconv.ParseUint(middle, 16, 64)
	return ok && err == nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
