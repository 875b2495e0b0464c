from trial_client import Password, Trial, TrialProblem

with Trial("http://127.0.0.1:8000", Password("investigator-nn", "sandbox-only")) as trial:
    screened = trial.create_subject({"site": "NN", "year_of_birth": 1971, "sex": "female"})
    subject = screened.body["id"]
    print(screened.body["number"], screened.body["status"])

    try:
        trial.randomize(subject)
    except TrialProblem as problem:
        print(problem.code, [missing["code"] for missing in problem.errors])

    corrected = trial.change_subject(
        subject, {"year_of_birth": 1972, "reason": "Misread"}, if_match=screened.etag
    )
    print(corrected.etag != screened.etag)

    for each in trial.iterate_subjects(site="NN"):
        print(each["number"])
    for event in trial.feed(pause=None):
        print(event["type"], event["links"]["subject"])
