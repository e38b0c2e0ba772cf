# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON_IN := .venv/bin/python
PARTS := wire_contracts meter_telegrams firmware_profiles edge_gateway sync_server field_app demo
SOURCES := $(PARTS) benchmarks tests

.PHONY: help install demo demo-reset check check-pyright check-rest test test-nightly bench screenshots test-packages clean \
	bench-ingest bench-scale bench-batch bench-gateway bench-sync bench-photos bench-tablet bench-safety-check bench-detection bench-pages package-tablet

help:            ## list the commands
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /  /' | sort

install: .venv/installed ## make .venv with everything

.venv/installed: requirements.lock pyproject.toml tools/install.sh tools/system_packages.sh \
		$(wildcard sync_server/web/package-lock.json)
	@sh tools/install.sh

demo: install    ## start the town; Ctrl-C stops it, starting again continues
	@$(PYTHON_IN) -m demo

demo-reset: install ## forget the town's data and start afresh
	@$(PYTHON_IN) -m demo --reset

test-packages: install
	@sh tools/system_packages.sh test

check: install   ## style, types, import arrows
	@$(MAKE) --no-print-directory --output-sync -j 2 check-pyright check-rest

check-pyright: install
	@sh tools/pyright.sh

check-rest: install
	$(PYTHON_IN) -m ruff check $(SOURCES)
	$(PYTHON_IN) -m ruff format --check $(SOURCES)
	$(PYTHON_IN) -m mypy $(SOURCES)
	.venv/bin/lint-imports --no-cache

# three at a time on two cores: many tests wait for sockets, whole towns for their clock
test: test-packages check ## check, then every test
	$(PYTHON_IN) -m pytest -m "not nightly" -n 4 --dist worksteal

test-nightly: test-packages check ## every test, the long ones too
	@sh tools/system_packages.sh nightly
	$(PYTHON_IN) -m pytest --timeout 3600 --hypothesis-profile thorough
	LAMP_UI_SIZE=1280x800 $(PYTHON_IN) -m pytest tests/field_app_ui -m "not nightly" --ignore tests/field_app_ui/test_pictures.py

bench: bench-ingest bench-scale bench-batch bench-gateway bench-sync bench-photos bench-tablet bench-safety-check bench-detection bench-pages ## every benchmark; results in benchmarks/results

bench-ingest: test-packages ## the server's ingest against the driver's own speed
	$(PYTHON_IN) -m benchmarks.bench_ingest

bench-scale: test-packages ## replicas of the ingest on PostgreSQL against plain COPY; 200,000 meters through the ingest
	$(PYTHON_IN) -m benchmarks.bench_scale

bench-batch: install ## a month of 20,000 meters judged in one process and by Dask, a worker killed
	$(PYTHON_IN) -m benchmarks.bench_batch

bench-gateway: test-packages ## the gateway against the library, the bus and the disk
	$(PYTHON_IN) -m benchmarks.bench_gateway

bench-sync: install ## a tablet's sync against HTTP and SQLite alone; 500 tablets at once
	$(PYTHON_IN) -m benchmarks.bench_sync

bench-photos: test-packages ## three days offline, then a link that breaks: bytes sent per byte of content
	$(PYTHON_IN) -m benchmarks.bench_photos

bench-tablet: test-packages ## the tablet's first frame, frames, memory, time to save
	$(PYTHON_IN) -m benchmarks.bench_tablet

bench-detection: install ## the detectors on a made-up town: what they find, how fast
	$(PYTHON_IN) -m benchmarks.bench_detection

bench-pages: test-packages ## the control room's pages with the full town; a new alert on the screen
	$(PYTHON_IN) -m benchmarks.bench_pages

bench-safety-check: install ## taps and simulated time of a home check
	$(PYTHON_IN) -m benchmarks.bench_safety_check

package-tablet: test-packages ## the tablet as a folder that needs no Python; tried on Linux
	@sh tools/package_tablet.sh

screenshots: test-packages ## the README's pictures anew; every screen of the tablet into var/pictures, compared
	$(PYTHON_IN) -m demo.screenshots
	LAMP_UI_PICTURES=var/pictures $(PYTHON_IN) -m pytest -q tests/field_app_ui/test_pictures.py

clean:           ## remove what install made
	rm -rf .venv sync_server/web/node_modules sync_server/web/static/vendor
