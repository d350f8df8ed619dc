"""python -m unittest discover -s training/tests -t . (what needs PyTorch or CLIP's vocabulary skips itself where that is missing)"""
