"""The stages of the pipeline. Each is a short script: read params, call one library function, write outs."""
