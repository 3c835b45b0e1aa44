"""The route table and the endpoints: a folder for each subject, a file for each noun."""
