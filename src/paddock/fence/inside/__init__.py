"""What runs inside the fence: the keeper. Standard library only, nothing of ours."""
