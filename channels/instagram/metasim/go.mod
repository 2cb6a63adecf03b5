module github.com/parley-hub/parley/channels/instagram/metasim

go 1.26.8
